/** @file The series that comes with the package: carbon dioxide at Mauna Loa. Its source and licence are in `data/README.md`. */
import { readFile } from "node:fs/promises";
import { readSeries, type Series } from "./series.ts";

/** Monthly means in ppm, March 1958 to April 2020, the seasonal cycle subtracted: 741 rows. */
export async function shippedSeries(): Promise<Series> {
  // beside both `src` and `dist`
  const text = await readFile(new URL("../data/co2-concentration.csv", import.meta.url), "utf8");
  const series = readSeries({ text, file: "co2-concentration.csv", x: "Date", y: "adjusted CO2" });
  return {
    ...series,
    title: "Carbon dioxide at Mauna Loa",
    label: "CO₂, ppm",
    credit: {
      source: "Scripps CO₂ Program, Mauna Loa, seasonally adjusted (Keeling et al. 2001)",
      sourceLink: "https://scrippsco2.ucsd.edu/data/atmospheric_co2/primary_mlo_co2_record",
      licence: "CC BY 4.0",
      licenceLink: "https://creativecommons.org/licenses/by/4.0/",
    },
  };
}
