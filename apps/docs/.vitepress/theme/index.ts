/** @file VitePress' theme with the system's fonts, formulas, a picture on the start page and this site's few styles. */
import type { Theme } from "vitepress";
import theme from "vitepress/theme-without-fonts";
import { defineAsyncComponent, h } from "vue";
import "katex/dist/katex.min.css";
// after the theme, whose variables it changes
import "./style.css";

// it computes what it shows, and other pages need not load that
const HomePicture = defineAsyncComponent(() => import("../../src/pictures/home-picture.vue"));

export default {
  extends: theme,
  Layout: () => h(theme.Layout, null, { "home-hero-image": () => h(HomePicture) }),
} satisfies Theme;
