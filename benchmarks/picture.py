#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws what rownorm_bench and peers.py wrote: speed as a fraction of a copy, against the length of a row."""

import argparse
import json
import math
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

# Okabe and Ito's colours, which every kind of colour vision tells apart; markers for print without colour.
STYLES = [
    ("#0072B2", "o"),
    ("#D55E00", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#E69F00", "v"),
    ("#56B4E9", "P"),
    ("#000000", "X"),
]
VALUE_BYTES = {"float": 4, "double": 8, "half_t": 2, "bhalf_t": 2}
PLAIN = {"x_layout": "right", "y_layout": "right", "in_place": False, "padding": 0, "x_offset": 0, "y_offset": 0}


def curves(reports, table, value_type):
    """For each contender the fractions of a copy by row length. Of several figures for one length the last counts."""
    found = {}
    for report in reports:
        for result in report["results"]:
            plain = all(result[key] == value for key, value in PLAIN.items())
            if plain and result["type"] == value_type and result["name"].startswith(table + "/"):
                points = found.setdefault(result.get("contender", "RowNorm"), {})
                points[result["columns"]] = result["of_copy"]
    return found


def caption(reports):
    def line(report):
        versions = ", ".join(f"{name} {version}" for name, version in sorted(report["versions"].items()))
        return f"{report['date']}, {report['device']}: {versions}"

    return "\n".join(dict.fromkeys(line(report) for report in reports))


def binary(value, _):
    """65536 as 64 Ki."""
    power = min(int(math.log2(value)) // 10, 4)
    return f"{value / 1024**power:g} {['', 'Ki', 'Mi', 'Gi', 'Ti'][power]}".strip()


def draw(reports, arguments):
    # Text stays text, and nothing in the file depends on when it was drawn.
    matplotlib.rcParams.update({"svg.hashsalt": "rownorm", "svg.fonttype": "none", "font.size": 9})
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    found = curves(reports, arguments.table, arguments.type)
    if not found:
        raise SystemExit(f"no results of table {arguments.table} with type {arguments.type}")
    unit = VALUE_BYTES[arguments.type] if arguments.axis == "bytes" else 1
    for index, (contender, points) in enumerate(found.items()):
        color, marker = STYLES[index % len(STYLES)]
        columns = sorted(points)
        axes.plot(
            [length * unit for length in columns],
            [points[length] for length in columns],
            color=color,
            marker=marker,
            markersize=4,
            linewidth=1.2,
            label=contender,
        )
    axes.axhline(1, color="black", linewidth=0.6)
    axes.set_xscale("log", base=4)
    axes.xaxis.set_major_formatter(binary)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("speed, as a fraction of a copy's")
    axes.set_xlabel(f"{arguments.axis} of a row, {arguments.type}\n\n{caption(reports)}")
    axes.grid(color="#dddddd", linewidth=0.5)
    axes.legend(frameon=False)
    figure.savefig(arguments.output, format="svg", metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", type=Path, nargs="+", metavar="JSON", help="of rownorm_bench or peers.py")
    parser.add_argument("--output", type=Path, required=True, metavar="SVG")
    parser.add_argument("--axis", choices=["bytes", "columns"], default="columns", help="what lengths count")
    parser.add_argument("--table", choices=["shapes", "sweep"], default="shapes")
    parser.add_argument("--type", choices=VALUE_BYTES, default="float")
    arguments = parser.parse_args()
    draw([json.loads(path.read_text(encoding="utf-8")) for path in arguments.reports], arguments)


if __name__ == "__main__":
    main()
