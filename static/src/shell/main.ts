// What every page of the workspace needs: the theme switch, menus that close, toasts that leave.
import { setUpMenus } from "./menus";
import { setUpTheme } from "./theme";

setUpTheme();
setUpMenus();
