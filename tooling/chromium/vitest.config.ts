import { withBrowserTests } from "./src/vitest.js";

export default withBrowserTests();
