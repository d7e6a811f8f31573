"""A stored experiment in words and tables (Markdown), for the page and for README.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, under its head."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    lines.insert(1, "|---" * len(head) + "|")
    return "\n".join(lines)


def span(interval: Sequence[float], places: int = 2) -> str:
    """An interval, for example ``.41 to .53``."""
    return " to ".join(f"{end:.{places}f}" for end in interval)


def cosine_table(result: Mapping[str, Any]) -> str:
    """A row a system, for each network mean cosine, interval, and wins against its rival."""
    head, rows = ["system"], {}
    for network, section in result["networks"].items():
        head += [f"{NETWORK_NAMES[network]}: mean cosine", "runs won"]
        for system, mean in section["mean"].items():
            rows.setdefault(system, [SYSTEM_NAMES[system]]).extend(
                [
                    f"{mean:.3f} ({span(section['interval'][system], 3)})",
                    f"{section['wins'][system]} ({span(section['wins_interval'][system])})",
                ]
            )
    return table(head, rows.values())


def system_table(result: Mapping[str, Any]) -> str:
    """A row a system: recognition, Fréchet distance, nearest training music."""
    head = [
        "system",
        "recognised as the composer's",
        "among the two likeliest",
        "Fréchet distance",
        "overlap with the nearest training music",
        "copies",
    ]
    rows = []
    for system, agreement in result["agreement"].items():
        distance = result["frechet"].get(system)
        near = result["originality"].get(system)
        cells = [
            SYSTEM_NAMES[system],
            f"{agreement['recognised']:.2f} ({span(agreement['interval'])})",
            f"{agreement['in_top_two']:.2f}",
            f"{distance['value']:.2f} ({span(distance['interval'])})" if distance else "0",
            f"{near['mean']:.2f} ({span(near['interval'])})" if near else "",
            str(near["copies"]) if near else "",
        ]
        rows.append(cells)
    return table(head, rows)


def statistics_table(result: Mapping[str, Any]) -> str:
    """A row a note statistic, a column a system: its mean and how far off its distribution is."""
    sections = result["statistics"]
    systems = list(next(iter(sections.values())))
    rows = []
    for name, section in sections.items():
        cells = [name.replace("_", " ")]
        for system in systems:
            distance = "" if system == "reference" else f" ({section[system]['distance']:.2f})"
            cells.append(f"{section[system]['mean']:.4g}{distance}")
        rows.append(cells)
    return table(["statistic", *(SYSTEM_NAMES[system] for system in systems)], rows)


def composer_table(result: Mapping[str, Any]) -> str:
    """A row a composer: mean cosines of the models and of another real piece."""
    systems = ("prism", "amt", "real")
    networks = result["networks"]
    head = [f"{SYSTEM_NAMES[system]}, {NETWORK_NAMES[n]}" for n in networks for system in systems]
    rows = []
    for name in result["composers"]:
        found = [section["composers"].get(name) for section in networks.values()]
        if all(found):
            rows.append([name, *(f"{row[system]:.3f}" for row in found for system in systems)])
    return table(["composer", *head], rows)


def steering_table(result: Mapping[str, Any]) -> str:
    """A row an attribute: how often it is there when asked for, at worst, and by itself.

    Means over the attribute's values, also of how much real music with them is said to have them.
    """
    found = result.get("steering", ())
    if not found:
        return ""
    head = ["attribute", "there when asked for (rarest)", "by itself", "found in real", "samples"]
    rows = []
    for name in dict.fromkeys(row["attribute"] for row in found):
        mine = [row for row in found if row["attribute"] == name]
        rarest = min(mine, key=lambda row: row["has_it"])
        asked, unasked, real = (_mean_of(mine, key) for key in ("has_it", "unasked", "real"))
        when_asked = f"{asked:.2f} ({rarest['has_it']:.2f} {rarest['value']})"
        count = str(sum(row["samples"] for row in mine))
        rows.append([name, when_asked, f"{unasked:.2f}", f"{real:.2f}", count])
    return table(head, rows)


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
