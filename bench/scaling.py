# SPDX-License-Identifier: Apache-2.0
"""What many participants need: python3 bench/scaling.py prints the tables of docs/scaling.md, --write puts them and the chart there.

Costs are read from the tables of docs/benchmarks.md and docs/aicore.md, so that a new measurement moves the model; what is assumed and
not measured is in ASSUMED, with why. It is arithmetic on paper: nobody has run a million."""

from __future__ import annotations

import argparse
import math
import os
import re
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SIZES = (10_000, 1_000_000, 100_000_000)
BEGIN, END = "<!-- scaling:begin -->", "<!-- scaling:end -->"

ASSUMED = {
    "cores": (16, "of a node"),
    "gbps": (10, "of a node's network card"),
    "memory_gb": (64, "of a node"),
    "cpu_share": (0.6, "of the cores that media may take: bursts, and the kernel's own work in interrupts"),
    "network_share": (0.7, "of the card"),
    "memory_share": (0.7, "of the memory"),
    "session_s": (1800, "that a participant stays: joins a second follow from it"),
    "small_kbps": (157, "a video of 180 lines on the wire (docs/aicore.md, In calls)"),
    "small_pps": (30, "a packet for each of its frames"),
    "redis_ops": (100_000, "a second of one Redis: not measured here"),
    "join_ops": (4, "of Redis for a join: the room's owner, its lease, the participant, the answer"),
    "heartbeat_s": (1, "between a node's records, each read by every node (design/auraid.md, 5)"),
    "keepalive_hz": (4, "on each link between two nodes (the same)"),
    "mesh_share": (0.05, "of the cores that links may take by keepalives alone"),
    "region_share": (0.5, "of a region's Redis that heartbeats may take"),
}


def assumed(name: str) -> float:
    return ASSUMED[name][0]


def table_value(text: str, section: str, row: str, column: str) -> float:
    """A number of a Markdown table: the first row that begins with `row`, of the part under the heading."""
    part = re.search(rf"^#+ {re.escape(section)}$(.*?)(?=^#|\Z)", text, re.M | re.S)
    assert part, f"no section {section}"
    rows = [[c.strip() for c in line.strip().strip("|").split("|")] for line in part.group(1).splitlines() if line.startswith("|")]
    at = rows[0].index(column)
    [found] = [r[at] for r in rows if r[0] == row]
    return float(found.replace(",", ""))


@dataclass(frozen=True)
class Costs:
    """Measured; of one core of the machine that docs/benchmarks.md names."""

    meeting_us: float  # CPU of a packet that is delivered
    webinar_us: float
    pair_us: float  # rooms of two: the dearest figure of a packet, for small rooms cost more
    meeting_join_ms: float
    webinar_join_ms: float
    pair_join_ms: float
    meeting_kb: float  # memory of a participant
    webinar_kb: float
    pair_kb: float
    video_pps: float
    audio_pps: float
    video_kbps: float
    audio_kbps: float
    ai_core: float  # cores for one track of 720p30
    ai_saved: float  # of a video's bytes

    @classmethod
    def read(cls) -> Costs:
        with open(os.path.join(ROOT, "docs", "benchmarks.md")) as file:
            bench = file.read()
        with open(os.path.join(ROOT, "docs", "aicore.md")) as file:
            aicore = file.read()
        audio, stream, meeting = "Audio, 10 → 100", "Livestream 720p, 1 → 120", "Meeting, 16 × 16, simulcast"
        cpu, join, memory, rate = "CPU µs a packet", "CPU ms a join", "kB a subscriber", "packets/s"
        [native] = re.findall(r"^\| talk-720p \| 1280x720 \| (\d+) \| [^|]* \| −(\d+) %", aicore, re.M)
        [frame_ms] = re.findall(r"^\| server \| nothing \| – \| – \| [\d.]+ \| ([\d.]+) \|", aicore, re.M)
        [saved] = re.findall(r"^\| talk-720p \| 1280x720 \| \d+ \| [^|]* \| −(\d+) %", aicore, re.M)
        [sound] = re.findall(r"^\| 48 k / 20 ms \| ([\d.]+) \|", aicore, re.M)
        return cls(
            meeting_us=table_value(bench, meeting, "AuraLink", cpu),
            webinar_us=table_value(bench, "Larger rooms, AuraLink alone", "livestream 720p, 1 → 500", cpu),
            pair_us=table_value(bench, "Workers", "1", cpu),
            meeting_join_ms=table_value(bench, meeting, "AuraLink", join), webinar_join_ms=table_value(bench, stream, "AuraLink", join),
            pair_join_ms=table_value(bench, audio, "AuraLink", join),
            meeting_kb=table_value(bench, meeting, "AuraLink", memory), webinar_kb=table_value(bench, stream, "AuraLink", memory),
            pair_kb=table_value(bench, audio, "AuraLink", memory),
            video_pps=table_value(bench, stream, "AuraLink", rate) / 120, audio_pps=table_value(bench, audio, "AuraLink", rate) / 1000,
            video_kbps=float(native[0]), audio_kbps=float(sound), ai_core=float(frame_ms) / 1000 * 30, ai_saved=float(saved) / 100)


@dataclass(frozen=True)
class Use:
    """One participant of a kind of call: what leaves the server for them, and what they bring."""

    name: str
    size: int  # of a room
    publishers: float  # share of the participants who send 720p and sound
    large: float  # videos of 720 lines, of 180, and sounds that each gets
    small: float
    sounds: float
    us: float
    join_ms: float
    kb: float
    span: float  # nodes that have participants of one room

    def packets(self, c: Costs) -> float:
        return self.large * c.video_pps + self.small * assumed("small_pps") + self.sounds * c.audio_pps

    def kbps_out(self, c: Costs) -> float:
        return self.large * c.video_kbps + self.small * assumed("small_kbps") + self.sounds * c.audio_kbps


def uses(c: Costs) -> list[Use]:
    return [
        Use("calls of two", 2, 1, 1, 0, 1, c.pair_us, c.pair_join_ms, c.pair_kb, 1.3),
        # One large and eight small; all of the others' sounds. Measured with 16 who see 15: packets cost the same, joins and memory less.
        Use("meetings of ten", 10, 1, 1, 8, 9, c.meeting_us, c.meeting_join_ms, c.meeting_kb * 9 / 15, 1.5),
        Use("webinars, 1 → 1,000", 1001, 1 / 1001, 1, 0, 1, c.webinar_us, c.webinar_join_ms, c.webinar_kb, 3),
    ]


@dataclass(frozen=True)
class Need:
    """What `people` participants of a kind need."""

    people: int
    per_node: dict[str, float]  # participants that each resource of a node carries
    nodes: int
    packets: float
    gbps: float
    joins: float
    link_gbps: float
    ai_cores: float  # if AI Core compresses every camera
    ai_saved_gbps: float
    regions: int
    first: str

    @property
    def carried(self) -> float:
        return min(self.per_node.values())


def registry_ops(nodes: float, joins: float) -> float:
    """Of Redis a second: each node writes its record and reads all others'."""
    return nodes * (1 + nodes) / assumed("heartbeat_s") + joins * assumed("join_ops")


def need(use: Use, c: Costs, people: int) -> Need:
    crossing = use.publishers * (use.span - 1)  # copies of a participant's own tracks that go to another node
    link_packets = crossing * (c.video_pps + c.audio_pps)
    join_core = use.join_ms / 1000 / assumed("session_s")
    core = (use.packets(c) + link_packets) * use.us / 1e6 + join_core
    kbps = use.kbps_out(c) + crossing * (c.video_kbps + c.audio_kbps)
    per_node = {
        "processors": assumed("cores") * assumed("cpu_share") / core,
        "network": assumed("gbps") * 1e6 * assumed("network_share") / kbps,
        "memory": assumed("memory_gb") * 1e6 * assumed("memory_share") / use.kb,
    }
    nodes = math.ceil(people / min(per_node.values()))
    joins = people / assumed("session_s")
    regions = 1
    while registry_ops(nodes / regions, joins / regions) > assumed("redis_ops") * assumed("region_share"):
        regions += 1
    return Need(people, per_node, nodes, people * use.packets(c), people * use.kbps_out(c) / 1e6, joins,
                people * crossing * (c.video_kbps + c.audio_kbps) / 1e6, people * use.publishers * c.ai_core,
                people * (use.large * c.video_kbps + use.small * assumed("small_kbps")) * c.ai_saved / 1e6, regions,
                min(per_node, key=per_node.get))


def mesh_nodes(us: float) -> int:
    """So many nodes may all have links to each other before keepalives alone take their share."""
    return int(assumed("mesh_share") * assumed("cores") / (2 * assumed("keepalive_hz") * us / 1e6))


def registry_nodes() -> int:
    """So many nodes fit one Redis by heartbeats alone."""
    return int(math.sqrt(assumed("redis_ops") * assumed("region_share") * assumed("heartbeat_s")))


def amount(x: float) -> str:
    if x >= 100:
        digits = 10 ** (int(math.log10(x)) - 2)
        return f"{round(x / digits) * digits:,.0f}"
    return f"{x:.2g}" if x < 10 else f"{x:.0f}"


def tables(c: Costs) -> str:
    out = ["| a participant of | packets/s to them | Mbps to them | CPU ms/s | memory kB | a node carries | by processors | by network | by memory |",
           "|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for use in uses(c):
        n = need(use, c, SIZES[0])
        out.append(f"| {use.name} | {use.packets(c):.0f} | {use.kbps_out(c) / 1000:.2f} | {use.packets(c) * use.us / 1000:.2f} | {use.kb:,.0f} "
                   f"| {amount(n.carried)} ({n.first}) | {amount(n.per_node['processors'])} | {amount(n.per_node['network'])} "
                   f"| {amount(n.per_node['memory'])} |")
    out += ["", "| participants | in | nodes | packets/s | Gbps to clients | Gbps between nodes | joins/s | Redis a region: operations/s | regions "
            "| AI Core's cores for all cameras | Gbps that it saves |", "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for people in SIZES:
        for use in uses(c):
            n = need(use, c, people)
            ops = registry_ops(n.nodes / n.regions, n.joins / n.regions)
            out.append(f"| {people:,} | {use.name} | {amount(n.nodes)} | {amount(n.packets)} | {amount(n.gbps)} | {amount(n.link_gbps)} "
                       f"| {amount(n.joins)} | {amount(ops)} | {amount(n.regions)} | {amount(n.ai_cores)} | {amount(n.ai_saved_gbps)} |")
    out += ["", "| ceiling | nodes |", "|---|---:|",
            f"| one Redis, of which half is for heartbeats that every node reads of every other | {amount(registry_nodes())} |",
            f"| links of all to all, keepalives within 5 % of a node | {amount(mesh_nodes(c.pair_us))} |"]
    out += ["", "| assumed | value | what |", "|---|---:|---|"]
    out += [f"| `{name}` | {value:,} | {what} |" for name, (value, what) in ASSUMED.items()]
    return "\n".join(out)


def chart(c: Costs) -> str:
    """Nodes by participants, both in powers of ten, and where one region's Redis ends."""
    width, height, left, top, colours = 720, 400, 60, 20, ("#1b6ac9", "#c9571b", "#2a8f4f")
    x_of = lambda p: left + (math.log10(p) - 3) / 5 * (width - left - 190)  # noqa: E731
    y_of = lambda n: top + (6 - math.log10(max(n, 1))) / 6 * (height - top - 50)  # noqa: E731
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for power in range(0, 7):
        y = y_of(10**power)
        out.append(f'<path d="M{left} {y:.1f}H{x_of(1e8):.1f}" stroke="#ddd"/><text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">10^{power}</text>')
    for power in range(3, 9):
        out.append(f'<text x="{x_of(10**power):.1f}" y="{height - 32}" text-anchor="middle">10^{power}</text>')
    out.append(f'<text x="{(left + x_of(1e8)) / 2:.1f}" y="{height - 12}" text-anchor="middle">participants at a time</text>')
    out.append(f'<text x="{left}" y="14">nodes of {assumed("cores")} cores and {assumed("gbps")} Gbps</text>')
    limit = y_of(registry_nodes())
    out.append(f'<path d="M{left} {limit:.1f}H{x_of(1e8):.1f}" stroke="#a00" stroke-dasharray="5 4"/>'
               f'<text x="{x_of(1e8) + 8:.1f}" y="{limit + 4:.1f}" fill="#a00">one region\'s Redis</text>')
    free = top + 0.0  # the next label's place: curves that end close together keep theirs apart
    for use, colour in sorted(zip(uses(c), colours), key=lambda pair: -need(pair[0], c, SIZES[-1]).nodes):
        points = [(10 ** (3 + i / 10), need(use, c, int(10 ** (3 + i / 10))).nodes) for i in range(51)]
        free = max(free + 15, y_of(points[-1][1]) + 4)
        line = " ".join(f"{x_of(p):.1f},{y_of(n):.1f}" for p, n in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{x_of(1e8) + 8:.1f}" y="{free:.1f}" fill="{colour}">{use.name}</text>')
    return "\n".join(out) + "\n</svg>\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put tables and chart into docs/")
    chosen = parser.parse_args()
    costs = Costs.read()
    if not chosen.write:
        print(tables(costs))
        return
    path = os.path.join(ROOT, "docs", "scaling.md")
    with open(path) as file:
        text = file.read()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    with open(path, "w") as file:
        file.write(f"{before}{BEGIN}\n\n{tables(costs)}\n\n{END}{after}")
    with open(os.path.join(ROOT, "docs", "scaling.svg"), "w") as file:
        file.write(chart(costs))


if __name__ == "__main__":
    main()
