/** @file VitePress' theme with the system's fonts, formulas and this site's few styles. */
import "katex/dist/katex.min.css";
import "./style.css";
import theme from "vitepress/theme-without-fonts";

export default theme;
