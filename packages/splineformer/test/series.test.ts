import { describe, expect, it } from "vitest";
import { decimalYear, readSeries, spreadEvenly } from "../src/series.ts";
import { shippedSeries } from "../src/shipped.ts";

const read = (text: string, x = "t", y = "height of it") => readSeries({ text, file: "a.csv", x, y });

describe("a series is two columns of a CSV file", () => {
  it("takes columns by name, in any order, quoted or not", () => {
    const { x, y, unit } = read('"height of it",other,t\n5,,1\n"7",q,2.5\n-1e1,"a,b",3\n');
    expect(Array.from(x)).toEqual([1, 2.5, 3]);
    expect(Array.from(y)).toEqual([5, 7, -10]);
    expect(unit).toBe("number");
  });

  it("passes over a byte order mark, Windows line ends, empty lines and spaces around cells", () => {
    const { x, y } = read("\uFEFFt, height of it\r\n1, 5\r\n\r\n2 ,7\r\n");
    expect(Array.from(x)).toEqual([1, 2]);
    expect(Array.from(y)).toEqual([5, 7]);
  });

  it("turns dates into decimal years", () => {
    const { x, unit } = read("t,height of it\n2001-01-01,5\n2001-07-02T12:00,6\n2002-01,7\n");
    expect(Array.from(x)).toEqual([2001, 2001.5, 2002]);
    expect(unit).toBe("year");
  });

  it("ships the 741 months of Mauna Loa", async () => {
    const { x, y, unit } = await shippedSeries();
    expect([x.length, y.length, unit]).toEqual([741, 741, "year"]);
    expect([x[0], y[0]]).toEqual([1958 + 59 / 365, 314.44]);
    expect([x[740], y[740]]).toEqual([2020 + 91 / 366, 413.35]);
  });

  it.each([
    ["a,b\n1,2", 'readSeries: expected a column "t" in a.csv, got columns "a", "b"'],
    ["t,height of it,t\n1,2,3", 'readSeries: expected one column "t" in a.csv, got columns "t", "height of it", "t"'],
    ["t,b\n1,2", 'readSeries: expected a column "height of it" in a.csv, got columns "t", "b"'],
    ["", "readSeries: expected a.csv to have a line of column names, got an empty file"],
    ["t,height of it\n", "readSeries: expected a.csv to have rows, got only the column names"],
    [
      "t,height of it\n1,2\n2,NaN",
      'readSeries: expected a number in column "height of it", got "NaN" at line 3 of a.csv',
    ],
    ["t,height of it\n1,2\n2,", 'readSeries: expected a number in column "height of it", got "" at line 3 of a.csv'],
    [
      "t,height of it\n1,2\n2,0x10",
      'readSeries: expected a number in column "height of it", got "0x10" at line 3 of a.csv',
    ],
    [
      "t,height of it\n1,1e999",
      'readSeries: expected a number in column "height of it", got "1e999" at line 2 of a.csv',
    ],
    [
      "t,height of it\n1,2\nInfinity,3",
      'readSeries: expected a number in column "t", got "Infinity" at line 3 of a.csv',
    ],
    ["t,height of it\nMonday,2", 'readSeries: expected a date in column "t", got "Monday" at line 2 of a.csv'],
    [
      "t,height of it\n2001-01-01,2\n2001-02-30,3",
      'readSeries: expected a date in column "t", got "2001-02-30" at line 3 of a.csv',
    ],
    ["t,height of it\n1,2\n1,3", 'readSeries: expected column "t" to increase, got "1" after "1" at line 3 of a.csv'],
    ["t,height of it\n2,2\n1,3", 'readSeries: expected column "t" to increase, got "1" after "2" at line 3 of a.csv'],
  ])("refuses %j", (text, message) => {
    expect(() => read(text)).toThrow(new RangeError(message));
  });

  it("refuses what is no CSV, naming the line", () => {
    expect(() => read("t,height of it\n1,2,3\n")).toThrow(
      /^readSeries: expected a\.csv to be a CSV file, got .*line 2/,
    );
    expect(() => read('t,height of it\n1,"2\n')).toThrow(
      /^readSeries: expected a\.csv to be a CSV file, got .*[Qq]uote/,
    );
  });
});

describe("a decimal year", () => {
  it.each([
    ["1958-03-01", 1958 + 59 / 365],
    ["2020-03-01", 2020 + 60 / 366],
    ["2001-01", 2001],
    ["2001-12-31T23:30-01:00", 2002 + 0.5 / 24 / 365],
    ["0099-01-01", 99],
  ])("of %s is %d", (date, year) => {
    expect(decimalYear(date)).toBe(year);
  });

  it.each(["2001", "2001-13-01", "2001-02-29", "01.02.2001", "2001-01-01T25:00", ""])("is refused for %j", (date) => {
    expect(() => decimalYear(date)).toThrow(
      new RangeError(`decimalYear: expected an ISO date, got ${JSON.stringify(date)}`),
    );
  });
});

describe("rows spread evenly", () => {
  it("begin with the first row and end with the last", () => {
    expect(spreadEvenly(11, 3)).toEqual([0, 5, 10]);
    expect(spreadEvenly(7, 7)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it("never repeat, and their gaps differ by one at most", () => {
    for (let rows = 2; rows <= 53; rows++)
      for (let count = 2; count <= rows; count++) {
        const chosen = spreadEvenly(rows, count);
        const gaps = chosen.slice(1).map((row, i) => row - chosen[i]);
        expect([chosen[0], chosen.at(-1)]).toEqual([0, rows - 1]);
        expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1);
        expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
      }
  });

  it.each([
    [5, 7, "demo: expected at least 7 rows for 7 knots, got 5"],
    [5, 1, "demo: expected at least 2 knots, got 1"],
    [5, 2.5, "demo: expected at least 2 knots, got 2.5"],
  ])("refuse %d rows for %d knots", (rows, count, message) => {
    expect(() => spreadEvenly(rows, count)).toThrow(new RangeError(message));
  });
});
