import { describe, expect, test } from "vitest";
import { contentComplaints, installComplaints, linkComplaints } from "../src/packed.js";

describe("the contents of a tarball", () => {
  const files = [
    "README.md",
    "LICENSE",
    "package.json",
    ...["js", "cjs", "d.ts", "d.cts"].map((end) => `dist/index.${end}`),
  ];

  test("are complete with documentation, licence, both module systems and their types", () => {
    expect(contentComplaints(files, "{}")).toEqual([]);
    for (const [i, file] of files.entries()) {
      expect(contentComplaints(files.toSpliced(i, 1), "{}")).toEqual([`expected the file ${file}`]);
    }
  });

  test("leave out sources, tests and configuration", () => {
    for (const file of ["src/index.ts", "test/a.test.ts", "dist/a.test.js", "tsconfig.json", "tsup.config.ts"]) {
      expect(contentComplaints([...files, file], "{}")).toEqual([`expected no file ${file}`]);
    }
  });

  test("name versions that can be installed from elsewhere", () => {
    expect(contentComplaints(files, '{ "dependencies": { "a": "workspace:^", "b": "^1.0.0" } }')).toEqual([
      'expected a version to be published, got "workspace:^"',
    ]);
  });
});

describe("the links of a published README", () => {
  test("lead to the web, to a heading, or to a file of the tarball", () => {
    const links = ["https://arxiv.org/abs/2408.09624", "#size", "data/README.md", "data/README.md#licence"];
    expect(linkComplaints(["data/README.md"], links.map((link) => `[a](${link})`).join(" and "))).toEqual([]);
  });

  test("are refused where they lead to a neighbour in the repository", () => {
    expect(linkComplaints(["README.md"], "[`a`](../tensor), ![b](docs/b.png)")).toEqual([
      "expected a link to the web or to a file of the package, got ../tensor",
      "expected a link to the web or to a file of the package, got docs/b.png",
    ]);
  });
});

describe("the examples of a published README", () => {
  /** @param {string} install */
  const readme = (install) =>
    `${install}\n\nimport { a } from "@b/c/d";\nimport { e } from "f";\nimport fs from "node:fs";\n`;

  test("import what its npm install names", () => {
    expect(installComplaints(readme("npm install @b/c f"))).toEqual([]);
    expect(installComplaints(readme("npm install @b/c"))).toEqual([
      "expected npm install to name f, which an example imports, got @b/c",
    ]);
  });
});
