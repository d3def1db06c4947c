// What every page of the workspace needs: the theme switch, menus that close, toasts that leave, parts that come later.
import { setUpCopying } from "./copying";
import { fetchLateParts } from "./late";
import { setUpMenus } from "./menus";
import { setUpPolling } from "./polling";
import { setUpTheme } from "./theme";

setUpTheme();
setUpMenus();
setUpCopying();
void fetchLateParts();
setUpPolling();
