"""A stored experiment in words and tables (Markdown), for the page and for README.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NETWORK_NAMES = {"imagenet": "ImageNet network", "corpus": "corpus network"}
SYSTEM_NAMES = {
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
    """A row a system, for each network mean cosine, interval, and wins against its rival."""
    networks = result["networks"]
    head = [f"{NETWORK_NAMES[name]}: mean cosine | runs won" for name in networks]
    lines = ["| system | " + " | ".join(head) + " |", "|---" * (1 + 2 * len(head)) + "|"]
    for system in next(iter(networks.values()))["mean"]:
        cells = [
            f"{section['mean'][system]:.3f} ({span(section['interval'][system], 3)}) | "
            f"{section['wins'][system]} ({span(section['wins_interval'][system])})"
            for section in networks.values()
        ]
        lines.append(f"| {SYSTEM_NAMES[system]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def system_table(result: Mapping[str, Any]) -> str:
    """A row a system: recognition, Fréchet distance, nearest training music."""
    lines = [
        "| system | recognised as the composer's | among the two likeliest | Fréchet distance | "
        "overlap with the nearest training music | copies |",
        "|---|---|---|---|---|---|",
    ]
    for system, agreement in result["agreement"].items():
        distance = result["frechet"].get(system)
        near = result["originality"].get(system)
        cells = [
            f"{agreement['recognised']:.2f} ({span(agreement['interval'])})",
            f"{agreement['in_top_two']:.2f}",
            f"{distance['value']:.2f} ({span(distance['interval'])})" if distance else "0",
            f"{near['mean']:.2f} ({span(near['interval'])})" if near else "",
            str(near["copies"]) if near else "",
        ]
        lines.append(f"| {SYSTEM_NAMES[system]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def statistics_table(result: Mapping[str, Any]) -> str:
    """A row a note statistic, a column a system: its mean and how far off its distribution is."""
    sections = result["statistics"]
    systems = list(next(iter(sections.values())))
    lines = [
        "| statistic | " + " | ".join(SYSTEM_NAMES[system] for system in systems) + " |",
        "|---" * (1 + len(systems)) + "|",
    ]
    for name, section in sections.items():
        cells = [
            f"{section[system]['mean']:.4g}"
            + (f" ({section[system]['distance']:.2f})" if system != "reference" else "")
            for system in systems
        ]
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def composer_table(result: Mapping[str, Any]) -> str:
    """A row a composer: mean cosines of the models and of another real piece."""
    systems = ("prism", "amt", "real")
    networks = result["networks"]
    head = [f"{SYSTEM_NAMES[system]}, {NETWORK_NAMES[n]}" for n in networks for system in systems]
    lines = ["| composer | " + " | ".join(head) + " |", "|---" * (1 + len(head)) + "|"]
    for name in result["composers"]:
        found = [section["composers"].get(name) for section in networks.values()]
        if all(found):
            cells = [f"{row[system]:.3f}" for row in found for system in systems]
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
            f"By the {NETWORK_NAMES[network]}'s features {said}: Prism is nearer in "
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
        f"all others against Prism. The corpus network recognises {recognition['accuracy']:.2f}"
        f" of {recognition['windows']:,} held-out windows (mean over composers: "
        f"{recognition['mean_recall']:.2f}). Of equal mixtures of two composers both are among its "
        f"two likeliest in {both:.2f}; of real music, half a window by one and half by the other, "
        f"in {joined:.2f}. After a statistic's mean stands how far its distribution is from the "
        "held-out pieces' (Wasserstein), in standard deviations of theirs."
    )
