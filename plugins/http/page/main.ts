/**
 * The page with the built-in plugins: what the bundle begins with.
 *
 * @module
 */
import { builtins } from "../../../mod.ts";
import { startPage } from "./start.ts";

startPage(builtins);
