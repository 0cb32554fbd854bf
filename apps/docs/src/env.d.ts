/** @file What the bundler knows and TypeScript does not. */
declare module "*.css";
declare module "*.csv?raw" {
  const text: string;
  export = text;
}
