"""A stored experiment in words and tables (Markdown), for the page and for README.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NETWORK_NAMES = {"imagenet": "ImageNet network", "corpus": "corpus network"}
SIDE_NAMES = {
    "reference": "the held-out pieces themselves",
    "prism": "Prism",
    "amt": "AMT",
    "real": "another real piece",
    "shuffled": "its shuffled notes",
    "noise": "random notes",
}


def span(interval: Sequence[float], places: int = 2) -> str:
    """An interval, for example ``.41 to .53``."""
    return " to ".join(f"{end:.{places}f}" for end in interval)


def cosine_table(result: Mapping[str, Any]) -> str:
    """A row a competitor, for each network mean cosine, interval, and wins against its rival."""
    networks = result["networks"]
    head = [f"{NETWORK_NAMES[name]}: mean cosine | runs won" for name in networks]
    lines = ["| competitor | " + " | ".join(head) + " |", "|---" * (1 + 2 * len(head)) + "|"]
    for side in next(iter(networks.values()))["mean"]:
        cells = [
            f"{section['mean'][side]:.3f} ({span(section['interval'][side], 3)}) | "
            f"{section['wins'][side]} ({span(section['wins_interval'][side])})"
            for section in networks.values()
        ]
        lines.append(f"| {SIDE_NAMES[side]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def side_table(result: Mapping[str, Any]) -> str:
    """A row a side: whom the corpus network hears, Fréchet distance, nearest training music."""
    lines = [
        "| side | recognised as the composer's | among the two likeliest | Fréchet distance | "
        "overlap with the nearest training music | copies |",
        "|---|---|---|---|---|---|",
    ]
    for side, agreement in result["agreement"].items():
        distance = result["frechet"].get(side)
        near = result["originality"].get(side)
        cells = [
            f"{agreement['recognised']:.2f} ({span(agreement['interval'])})",
            f"{agreement['in_top_two']:.2f}",
            f"{distance['value']:.2f} ({span(distance['interval'])})" if distance else "0",
            f"{near['mean']:.2f} ({span(near['interval'])})" if near else "",
            str(near["copies"]) if near else "",
        ]
        lines.append(f"| {SIDE_NAMES[side]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def statistics_table(result: Mapping[str, Any]) -> str:
    """A row a note statistic, a column a side: its mean and how far off its distribution is."""
    sections = result["statistics"]
    sides = list(next(iter(sections.values())))
    lines = [
        "| statistic | " + " | ".join(SIDE_NAMES[side] for side in sides) + " |",
        "|---" * (1 + len(sides)) + "|",
    ]
    for name, section in sections.items():
        cells = [
            f"{section[side]['mean']:.4g}"
            + (f" ({section[side]['distance']:.2f})" if side != "reference" else "")
            for side in sides
        ]
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def composer_table(result: Mapping[str, Any]) -> str:
    """A row a composer: mean cosines of the models and of another real piece."""
    sides = ("prism", "amt", "real")
    networks = result["networks"]
    head = [f"{SIDE_NAMES[side]}, {NETWORK_NAMES[n]}" for n in networks for side in sides]
    lines = ["| composer | " + " | ".join(head) + " |", "|---" * (1 + len(head)) + "|"]
    for name in result["composers"]:
        found = [section["composers"].get(name) for section in networks.values()]
        if all(found):
            cells = [f"{row[side]:.3f}" for row in found for side in sides]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def steering_table(result: Mapping[str, Any]) -> str:
    """A row an attribute: how often it is there when asked for, at worst, and by itself.

    Means over the attribute's values, also of how much real music with them is said to have them.
    """
    rows = result.get("steering", ())
    if not rows:
        return ""
    head = "| attribute | there when asked for (rarest) | by itself | found in real | samples |"
    lines = [head, "|---" * 5 + "|"]
    for name in dict.fromkeys(row["attribute"] for row in rows):
        mine = [row for row in rows if row["attribute"] == name]
        rarest = min(mine, key=lambda row: row["has_it"])
        asked, unasked, real = (_mean_of(mine, key) for key in ("has_it", "unasked", "real"))
        count = sum(row["samples"] for row in mine)
        lines.append(
            f"| {name} | {asked:.2f} ({rarest['has_it']:.2f} {rarest['value']}) "
            f"| {unasked:.2f} | {real:.2f} | {count} |"
        )
    return "\n".join(lines)


def _mean_of(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    """Mean over the rows that have a value."""
    values = [row[key] for row in rows if row[key] is not None]
    return sum(values) / len(values)


def verdict(result: Mapping[str, Any]) -> str:
    """Who won, a sentence a network: a share of runs whose interval holds a half is a draw."""
    sentences = []
    for network, section in result["networks"].items():
        low, high = section["wins_interval"]["prism"]
        said = "Prism wins" if low > 0.5 else "AMT wins" if high < 0.5 else "it is a draw"
        gap = section["mean"]["real"] - section["mean"]["shuffled"]
        sentences.append(
            f"In the eyes of the {NETWORK_NAMES[network]} {said}: Prism is nearer in "
            f"{section['wins']['prism']} of {result['runs']} runs (95 %: {span([low, high])}). "
            f"That network sets real music above its shuffled notes by {gap:.2f}."
        )
    return " ".join(sentences)


def note(result: Mapping[str, Any]) -> str:
    """What the tables' numbers are."""
    recognition = result["recognition"]
    even = next(row for row in result["mixing"] if row["weight"] == 0.5)
    both, joined = (row["both_in_top_two"] for row in (even, result["mixing_real"]))
    return (
        f"{result['runs']} runs, seed {result['seed']}, on {result['hardware']}; in brackets 95 % "
        "intervals. A run is won by whoever is nearer to the held-out piece: Prism against AMT, "
        f"everybody else against Prism. The corpus network recognises {recognition['accuracy']:.2f}"
        f" of {recognition['windows']:,} held-out windows (every composer counting alike: "
        f"{recognition['mean_recall']:.2f}). Of equal mixtures of two composers both are among its "
        f"two likeliest in {both:.2f}; of real music, half a window by one and half by the other, "
        f"in {joined:.2f}. After a statistic's mean stands how far its distribution is from the "
        "held-out pieces' (Wasserstein), in standard deviations of theirs."
    )
