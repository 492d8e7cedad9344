# SPDX-License-Identifier: Apache-2.0
"""Results as Markdown tables and as a chart."""

from __future__ import annotations

import statistics
from collections.abc import Callable

NAMES = {"auralink": "AuraLink", "livekit": "LiveKit", "janus": "Janus", "mediasoup": "mediasoup"}
COLOURS = {"auralink": "#0f9d76", "livekit": "#8a94a6", "janus": "#a7b0be", "mediasoup": "#c4cbd6"}
MISSING = "–"


def median(runs: list[dict], value: Callable[[dict], float | None]) -> float | None:
    values = [v for v in map(value, runs) if v is not None]
    return statistics.median(values) if values else None


def shown(value: float | None, digits: int = 1) -> str:
    return MISSING if value is None else f"{value:,.{digits}f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    align = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, align, *rows])


def percentile_of(media: str, which: str) -> Callable[[dict], float | None]:
    def value(run: dict) -> float | None:
        found = run[f"{media}_latency_ms"]
        return found[which] if found["count"] else None

    return value


def time_of(name: str) -> Callable[[dict], float | None]:
    return lambda run: run[name]["p50"] if run[name]["count"] else None


def cost(run: dict) -> float:
    return run["server"]["cpu_us_per_packet"]


COLUMNS = (  # of a comparison: heading, digits, value of a run (given the scenario's medium)
    ("CPU µs a packet", 2, lambda media: cost),
    ("packets/s", 0, lambda media: lambda r: r["received_packets_per_s"]),
    ("loss %", 3, lambda media: lambda r: 100 * r["loss_after_repair"]),
    ("latency p50 ms", 2, lambda media: percentile_of(media, "p50")),
    ("p99 ms", 2, lambda media: percentile_of(media, "p99")),
    ("kB a subscriber", 0, lambda media: lambda r: r["server"]["rss_kb_per_subscriber"]),
    ("CPU ms a join", 2, lambda media: lambda r: r["server"]["cpu_ms_per_join"] or None),  # 0: lost in the noise
    ("connected p50 ms", 1, lambda media: time_of("connect_ms")),
    ("first packet p50 ms", 1, lambda media: time_of(f"first_{media}_ms")),
)


def compared(results: dict) -> str:
    parts = []
    for entry in results["compared"].values():
        rows = []
        ours = median(entry["runs"].get("auralink", []), cost)
        for server, runs in entry["runs"].items():
            cells = [shown(median(runs, value(entry["media"])), digits) for _, digits, value in COLUMNS]
            factor = median(runs, cost)
            cells.insert(1, shown(factor / ours if factor and ours else None))
            rows.append([NAMES[server], *cells])
        parts.append(f"### {entry['label'][0].upper()}{entry['label'][1:]}\n")
        if entry.get("note"):
            parts.append(f"{entry['note']}\n")
        head = ["", *(c[0] for c in COLUMNS)]
        head.insert(2, "× AuraLink")
        parts.append(table(head, rows) + "\n")
    return "\n".join(parts)


def knees(results: dict) -> str:
    rows = []
    for entry in results["knees"].values():
        for server, knee in entry["servers"].items():
            limit = "the load generator" if knee["generator_limited"] else "the server"
            figures = [shown(knee[k], 0) for k in ("subscribers", "packets_per_s")]
            figures += [shown(knee["cpu"], 2), shown(knee["packets_per_core_s"], 0)]
            rows.append([f"{entry['title']}: {NAMES[server]}", *figures, limit])
    if not rows:
        return ""
    head = ["", "subscribers", "packets/s", "cores used", "packets/s a core", "limited by"]
    return "### The most that one core carries at less than 0.1 % loss\n\n" + table(head, rows) + "\n"


def alone(results: dict) -> str:
    parts = []
    if results["full"]:
        rows = [[e["label"], shown(e["server"]["cpu_us_per_packet"], 2), shown(e["received_packets_per_s"], 0),
                 shown(100 * e["loss_after_repair"], 3), shown(e["server"]["cpu"], 2), shown(e["client_cpu"], 2)]
                for e in results["full"]]
        head = ["", "CPU µs a packet", "packets/s", "loss %", "server's cores", "generator's cores"]
        parts.append("### Larger rooms, AuraLink alone\n\n" + table(head, rows) + "\n")
    if results["flat"]:
        media = list(dict.fromkeys(e["media"] for e in results["flat"]))
        rows = [[str(n), *(shown(next((e["server"]["cpu_us_per_packet"] for e in results["flat"]
                                       if e["media"] == m and e["subscribers"] == n), None), 2) for m in media)]
                for n in dict.fromkeys(e["subscribers"] for e in results["flat"])]
        parts.append("### Cost of a packet by audience, CPU µs\n\n" + table(["subscribers", *media], rows) + "\n")
    if results["workers"]:
        rows = [[str(e["workers"]), shown(e["server"]["cpu_us_per_packet"], 2), shown(e["received_packets_per_s"], 0),
                 shown(100 * e["loss_after_repair"], 3), shown(e["scaling"], 2)] for e in results["workers"]]
        head = ["workers", "CPU µs a packet", "packets/s", "loss %", "× of one worker"]
        parts.append("### Workers\n\n" + table(head, rows) + "\n")
    if results["storm"]:
        e = results["storm"]
        people = e["connected"] + e["failed"]
        parts.append("### Many joins at once\n\n" + f"{people} participants in {shown(e['join_seconds'], 1)} s: "
                     f"{e['failed']} failed; connected p50 {shown(e['connect_ms']['p50'])} ms, p95 "
                     f"{shown(e['connect_ms']['p95'])} ms; {shown(e['server']['cpu_ms_per_join'], 2)} ms CPU a join, "
                     f"{shown(e['server']['rss_kb_per_subscriber'], 0)} kB a subscriber; first packet p50 "
                     f"{shown(e['first_audio_ms']['p50'])} ms.\n")
    return "\n".join(parts)


def markdown(results: dict) -> str:
    versions = ", ".join(f"{NAMES[name]} {version}" for name, version in results["versions"].items())
    head = (f"Measured {results['date']} on {results['machine']} with `{results['command']}`: {versions}. "
            f"Medians of {results['reps']} runs of {results['seconds']} s. "
            + ("Packets are delivered to the receivers on the generator's core.\n" if results.get("steered")
               else "Packets are delivered to the receivers on the server's account.\n"))
    return "\n".join(filter(None, [head, compared(results), knees(results), alone(results)]))


def chart(results: dict) -> str:
    """CPU of a packet: one group of bars for each scenario, the shortest bar is the best."""
    groups = [(e["label"], [(s, median(runs, cost)) for s, runs in e["runs"].items() if runs])
              for e in results["compared"].values()]
    groups = [(label, bars) for label, bars in groups if bars]
    most = max((v for _, bars in groups for _, v in bars), default=1)
    left, width, bar, gap = 110, 560, 20, 6
    lines, y = [], 56
    for label, bars in groups:
        lines.append(f'<text x="{left}" y="{y}" class="group">{label}</text>')
        y += 10
        for server, value in bars:
            length = max(1, round(width * value / most))
            strong = ' class="ours"' if server == "auralink" else ""
            lines.append(f'<text x="{left - 10}" y="{y + 15}" text-anchor="end"{strong}>{NAMES[server]}</text>')
            lines.append(f'<rect x="{left}" y="{y}" width="{length}" height="{bar}" rx="3" fill="{COLOURS[server]}"/>')
            lines.append(f'<text x="{left + length + 8}" y="{y + 15}"{strong}>{value:.2f}</text>')
            y += bar + gap
        y += 26
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {y}" width="760" height="{y}" role="img"',
        ' aria-label="CPU microseconds for each forwarded packet, by server">',
        "<style>text{font:14px system-ui,sans-serif;fill:#2b3440}.group{font-weight:600}",
        ".ours{font-weight:700}.title{font-size:17px;font-weight:600}</style>",
        f'<rect width="760" height="{y}" fill="#ffffff"/>',
        f'<text x="{left}" y="26" class="title">Server CPU for each forwarded packet, µs (less is better)</text>',
        *lines,
        "</svg>",
        "",
    ])
