// What every page of the workspace needs: the theme switch, menus that close, toasts that leave, parts that come later, notices.
import { setUpBrowser } from "./browser";
import { setUpCopying } from "./copying";
import { fetchLateParts } from "./late";
import { setUpMenus } from "./menus";
import { setUpNotices } from "./notices";
import { setUpPolling } from "./polling";
import { setUpTheme } from "./theme";

setUpTheme();
// Where tabs scroll, the present one is seen.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) tab.scrollIntoView({ block: "nearest", inline: "center" });
setUpMenus();
setUpCopying();
setUpNotices();
setUpBrowser();
void fetchLateParts();
setUpPolling();
