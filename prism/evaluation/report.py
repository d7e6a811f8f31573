"""A stored experiment in words and tables (Markdown), for the page and for README.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prism.music.writing import table_text

NETWORK_NAMES = {"imagenet": "picture network", "corpus": "music network"}
SYSTEM_NAMES = {
    "reference": "the held-out pieces themselves",
    "prism": "Prism",
    "prism_teacher": "Prism, 16 steps",
    "amt": "AMT",
    "amt_untold": "AMT, not told the composer",
    "real": "another real piece",
    "shuffled": "its shuffled notes",
    "noise": "random notes",
}

_NAMED = 5

# The figures in the order of the page, as `prism.drawing.figures` draws them, and the section
# without which there is none.
_FIGURES = {
    "cosines": "networks",
    "wins": "networks",
    "originality": "originality",
    "mixing": "mixing",
    "guidance": "guidance",
    "confusion": "recognition",
}


def figure_names(result: Mapping[str, Any]) -> list[str]:
    """The figures that can be drawn of a result."""
    return [name for name, section in _FIGURES.items() if result.get(section)]


def span(interval: Sequence[float], places: int = 2) -> str:
    """An interval, for example ``.41 to .53``."""
    return " to ".join(f"{end:.{places}f}" for end in interval)


def two_sample_words(result: Mapping[str, Any]) -> str:
    """What the two-sample test found, in a sentence or two; empty if it was not made."""
    rows = {row["system"]: row for row in reversed(result.get("two_sample", ()))}
    if not {"prism", "real"} <= set(rows):
        return ""
    prism, real = rows["prism"], rows["real"]
    return (
        "A network that tries to tell Prism's music from real music is right in "
        f"{_of_hundred(prism)} of 100 (area under the curve {prism['area']:.2f}, 95 %: "
        f"{span(prism['interval'])}; {prism['windows']:,} windows of each); "
        "real music from other real music in "
        f"{_of_hundred(real)} of 100. Guessing is right in 50."
    )


def _of_hundred(row: Mapping[str, Any]) -> int:
    return round(100 * row["accuracy"])


def two_sample_table(result: Mapping[str, Any]) -> str:
    """A row a system and number of windows: how well a fresh network tells it from real music."""
    found = result.get("two_sample", ())
    if not found:
        return ""
    head = ["told from real music", "area under the curve", "each seed's", "right", "windows"]
    rows = [
        [
            "other real music" if row["system"] == "real" else SYSTEM_NAMES[row["system"]],
            f"{row['area']:.2f} ({span(row['interval'])})",
            ", ".join(f"{area:.2f}" for area in row["areas"]),
            f"{_of_hundred(row)} of 100",
            f"{row['windows']:,} and as many real ones",
        ]
        for row in found
    ]
    return table_text(head, rows)


def tolerance_table(result: Mapping[str, Any]) -> str:
    """A row a statistic: in how many labels it is within tolerance of real music's."""
    section = result.get("tolerance")
    if not section:
        return ""
    sides = list(next(iter(section["statistics"].values()))["within"])
    names = {"real": "other real music"} | {side: SYSTEM_NAMES[side] for side in sides[:-1]}
    head = ["mean of a label", "within", *(f"{names[side]}: labels" for side in sides)]
    head += ["real music", *(names[side] for side in sides), "Prism's labels outside"]
    rows = []
    for name, row in section["statistics"].items():
        mean = row["mean"]
        rows.append(
            [
                name.replace("_", " "),
                f"{100 * row['tolerance']:.0f} %",
                *(f"{row['within'][side]} of {section['labels']}" for side in sides),
                *(f"{mean[side]:.3g}" if side in mean else "" for side in ("reference", *sides)),
                _few(row["outside"]["prism"]),
            ]
        )
    return table_text(head, rows)


def _few(names: Sequence[str]) -> str:
    """The names, unless there are too many to list."""
    return ", ".join(names) if len(names) <= _NAMED else ""


def interval_words(result: Mapping[str, Any]) -> str:
    """How far the outer lines' intervals are from real music's; empty if that was not measured."""
    section = result.get("intervals")
    if not section:
        return ""
    told = (
        f"{line} line {row['prism']:.2f} (other real music {row['real']:.2f})"
        for line, row in section.items()
        if {"prism", "real"} <= set(row)
    )
    return (
        "Distance of the intervals of Prism's outer lines from real music's, 0 to 1 "
        f"(Jensen–Shannon, mean over labels): {', '.join(told)}."
    )


def cloud_table(result: Mapping[str, Any]) -> str:
    """A row a system: MMD² with its p, density and coverage in the corpus network's features."""
    section = result.get("clouds")
    if not section:
        return ""
    head = ["system", "MMD² · 1000", "p", "density", "coverage"]
    rows = [
        [
            SYSTEM_NAMES[system],
            f"{1000 * row['mmd2']:.2f}",
            f"{row['p']:.3f}",
            f"{row['density']:.2f}",
            f"{row['coverage']:.2f}",
        ]
        for system, row in section.items()
    ]
    return table_text(head, rows)


def mixing_words(result: Mapping[str, Any]) -> str:
    """Whether mixtures follow the slider; empty if log-odds were not measured."""
    found = result.get("mixing")
    if not found:
        return ""
    said = (
        "The log-odds of the two composers rise with the slider in "
        f"{found['rising']} of {found['pairs']} pairs (95 %: {span(found['interval'])}; mean rank "
        f"correlation {found['rank_correlation']:.2f})"
    )
    real = result.get("mixing_real")
    if real:
        said += (
            "; of real music, that share of a window by one and the rest by the other, in "
            f"{real['rising']} (rank correlation {real['rank_correlation']:.2f})"
        )
    return said + "."


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
    return table_text(head, rows.values())


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
    return table_text(head, rows)


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
    return table_text(["statistic", *(SYSTEM_NAMES[system] for system in systems)], rows)


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
    return table_text(["composer", *head], rows)


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
    return table_text(head, rows)


def _mean_of(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    """Mean over the rows that have a value."""
    values = [row[key] for row in rows if row[key] is not None]
    return sum(values) / len(values)


def told_of_hundred(result: Mapping[str, Any]) -> dict[str, int]:
    """How often a network tells each system from real music, all learnt from as many windows."""
    return {row["system"]: _of_hundred(row) for row in result.get("two_sample", ())}


def answers(result: Mapping[str, Any]) -> str:
    """Which systems are told from real music, and which is nearer to it: a sentence each."""
    told = told_of_hundred(result)
    wins = (
        f"in {section['wins']['prism']} by the {NETWORK_NAMES[network]} ({_winner(section)})"
        for network, section in result["networks"].items()
    )
    nearer = (
        f"Of {result['runs']} runs Prism is nearer to the real piece than AMT {' and '.join(wins)}."
    )
    if not {"prism", "amt"} <= set(told):
        return nearer
    return (
        "A network that tries to tell generated from real music is right in "
        f"{told['prism']} of 100 for Prism and {told['amt']} of 100 for AMT; guessing is right in "
        f"50. {nearer}"
    )


def _winner(section: Mapping[str, Any]) -> str:
    """Of Prism and AMT; a share of runs whose interval holds a half is a draw."""
    low, high = section["wins_interval"]["prism"]
    return "Prism wins" if low > 0.5 else "AMT wins" if high < 0.5 else "a draw"


def verdict(result: Mapping[str, Any]) -> str:
    """The winner by each network, a sentence each."""
    sentences = []
    for network, section in result["networks"].items():
        winner = _winner(section)
        gap = section["mean"]["real"] - section["mean"]["shuffled"]
        sentences.append(
            f"By the {NETWORK_NAMES[network]}'s features "
            f"{'it is ' if winner == 'a draw' else ''}{winner}: Prism is nearer in "
            f"{section['wins']['prism']} of {result['runs']} runs "
            f"(95 %: {span(section['wins_interval']['prism'])}). "
            f"That network sets real music above its shuffled notes by {gap:.2f}."
        )
    return " ".join(sentences)


_TOLD = (
    "AMT is told the composer as Prism is; below it stands the same network with the same seeds "
    "and openings, not told."
)
_UNTOLD = "AMT is not told the composer; it knows the opening of another of their pieces."
_CLOUDS = (
    "MMD² is unbiased (Gretton et al. 2012; its kernel is as wide as the median distance of two "
    "held-out windows), p from a permutation test; density and coverage (Naeem et al. 2020) say "
    "whether samples lie where real music does and reach all of it: what another real piece has is "
    "as good as can be."
)
_TWO_SAMPLE = (
    "The two-sample test trains a small network from scratch on windows, onsets and sustains, of "
    "some held-out pieces (of validation and test) and of one system, and asks it about those of "
    "others; the mean of several seeds. Other real music is from training pieces."
)
_EXPLAINED = {"clouds": _CLOUDS, "two_sample": _TWO_SAMPLE}


def note(result: Mapping[str, Any]) -> str:
    """What the tables' numbers are."""
    said = [
        f"{result['runs']} runs, seed {result['seed']}, on {result['hardware']}; in brackets 95 % "
        "intervals. A run is won by whoever is nearer to the held-out piece: Prism against AMT, "
        "all others against Prism. After a statistic's mean stands how far its distribution is "
        "from the held-out pieces' (Wasserstein), in standard deviations of theirs.",
        _TOLD if "amt_untold" in result["agreement"] else _UNTOLD,
    ]
    recognition = result.get("recognition")
    if recognition:
        said.append(
            f"The music network recognises {recognition['accuracy']:.2f} of "
            f"{recognition['windows']:,} held-out windows (mean over composers: "
            f"{recognition['mean_recall']:.2f})."
        )
    said += [words for section, words in _EXPLAINED.items() if result.get(section)]
    return " ".join(said)


# Every part of the report in words and tables, the plainest question first.
PARTS = {
    "In words": (two_sample_words, verdict),
    "Told from real music": (two_sample_table,),
    "Composers within tolerance of real music": (tolerance_table, interval_words),
    "Nearness to the real piece": (cosine_table,),
    "Recognition, copies and mixing": (system_table, cloud_table, mixing_words),
    "Statistics of the notes": (statistics_table,),
    "Attributes that were asked for": (steering_table,),
    "What the numbers are": (note,),
}


def sections(result: Mapping[str, Any]) -> dict[str, str]:
    """All of it under its titles, without what the result does not have."""
    found = {
        title: "\n\n".join(filter(None, (part(result) for part in parts)))
        for title, parts in PARTS.items()
    }
    return {title: words for title, words in found.items() if words}


def report(result: Mapping[str, Any]) -> str:
    """All of it, one part below the other."""
    return "\n\n".join(sections(result).values())
