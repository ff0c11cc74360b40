"""Charts as SVG text: lines over a logarithmic x, and lying stacked bars."""

import dataclasses
import html
import math

_WIDTH = 800
_LEFT, _RIGHT, _TOP = 88, 176, 96
_PLOT_HEIGHT, _FOOT = 296, 96
_INK, _FAINT, _GRID = "#1f2933", "#6b7785", "#e4e7eb"
_ROW, _BAR = 62, 34
_LABEL_GAP = 17


@dataclasses.dataclass(frozen=True)
class Frame:
    """What stands around a chart: what it says, and where it comes from."""
    title: str
    subtitle: str
    footer: tuple  # lines of small print


@dataclasses.dataclass(frozen=True)
class Line:
    """Points (x, y), both above 0 where their axis is logarithmic."""
    label: str
    color: str
    points: tuple
    bold: bool = False


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of every bar; its label stands once, above the first bar."""
    label: str
    color: str
    ink: str = "#fff"


def line_chart(frame, x_label, y_label, lines, log_y=False, form="{:,.0f}"):
    """`form` writes the numbers of the y axis; a function may stand for it."""
    points = [point for line in lines for point in line.points]
    xs = sorted({x for x, _ in points})
    ys = [y for _, y in points]
    bottom = _TOP + _PLOT_HEIGHT
    right = _WIDTH - _RIGHT
    place_x = _logarithmic(xs[0], xs[-1], _LEFT + 12, right - 12)
    ticks = _log_ticks(min(ys), max(ys)) if log_y else _ticks(max(ys))
    scale = _logarithmic if log_y else _linear
    place_y = scale(ticks[0], ticks[-1], bottom, _TOP)
    write = form if callable(form) else form.format
    parts = []
    for tick in ticks:
        y = place_y(tick)
        parts.append(_rule(_LEFT, y, right, y))
        parts.append(_text(_LEFT - 10, y + 4, write(tick), "end", 12, _FAINT))
    parts.append(_text(_LEFT - 10, _TOP - 16, y_label, "end", 12, _FAINT))
    for x in xs:
        parts.append(_text(place_x(x), bottom + 22, f"{x:,}", "middle", 12,
                           _FAINT))
    parts.append(_text((_LEFT + right) / 2, bottom + 44, x_label, "middle", 12,
                       _FAINT))
    ends = _apart([place_y(_last(line)) for line in lines])
    for line, end in zip(lines, ends):
        parts += _drawn(line, place_x, place_y)
        parts.append(_text(right + 4, end + 4, line.label, "start", 13,
                           line.color, line.bold))
    return _document(frame, parts, bottom + _FOOT)


def _drawn(line, place_x, place_y):
    points = sorted(line.points)
    path = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in points)
    width = 3 if line.bold else 2
    parts = [f'<polyline points="{path}" fill="none" stroke="{line.color}" '
             f'stroke-width="{width}" stroke-linejoin="round" '
             'stroke-linecap="round"/>']
    for x, y in points:
        parts.append(f'<circle cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" '
                     f'r="{width + 1.5}" fill="{line.color}" stroke="#fff" '
                     'stroke-width="1.5"/>')
    return parts


def _last(line):
    return max(line.points)[1]


def _apart(places):
    """Moves labels down until none covers another."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    for before, after in zip(order, order[1:]):
        moved[after] = max(moved[after], moved[before] + _LABEL_GAP)
    return moved


def stacked_bars(frame, x_label, parts, bars, form="{:,.1f}"):
    """`bars` maps a bar's name to its lengths, one for each of `parts`."""
    longest = max(sum(lengths) for lengths in bars.values())
    ticks = _ticks(longest)
    left, right = _LEFT + 84, _WIDTH - 72
    top, bottom = _TOP + 20, _TOP + 20 + _ROW * len(bars)
    place = _linear(0, ticks[-1], left, right)
    drawn = _vertical_grid(ticks, place, top, bottom, x_label)
    for row, (name, lengths) in enumerate(bars.items()):
        y = top + _ROW * row + (_ROW - _BAR) / 2
        drawn.append(_text(left - 12, y + _BAR / 2 + 4.5, name, "end", 13,
                           _INK))
        begin = 0
        for part, length in zip(parts, lengths):
            drawn += _segment(place(begin), place(begin + length), y, part,
                              form.format(length))
            begin += length
        drawn.append(_text(place(begin) + 8, y + _BAR / 2 + 4.5,
                           form.format(begin), "start", 13, _INK, True))
    drawn += _part_labels(parts, left, top - 8)
    return _document(frame, drawn, bottom + _FOOT)


def _segment(begin, end, y, part, label):
    drawn = [f'<rect x="{begin:.1f}" y="{y:.1f}" '
             f'width="{max(end - begin, 0):.1f}" height="{_BAR}" '
             f'fill="{part.color}"/>']
    if end - begin > 7 * len(label) + 8:
        drawn.append(_text((begin + end) / 2, y + _BAR / 2 + 4.5, label,
                           "middle", 12, part.ink))
    return drawn


def _part_labels(parts, x, y):
    """In a row above the first bar."""
    drawn = []
    for part in parts:
        drawn.append(f'<rect x="{x:.1f}" y="{y - 10:.1f}" width="11" '
                     f'height="11" rx="2" fill="{part.color}"/>')
        drawn.append(_text(x + 16, y, part.label, "start", 12, _INK))
        x += 16 + 7 * len(part.label) + 14
    return drawn


def share_bars(frame, x_label, color, rows):
    """`rows` maps a name to (share, low, high); 1 is drawn as a line."""
    ticks = _ticks(max(1, *(high for _, _, high in rows.values())))
    left, right = _LEFT + 164, _WIDTH - 88
    top, bottom = _TOP, _TOP + _ROW * 0.7 * len(rows)
    place = _linear(0, ticks[-1], left, right)
    drawn = _vertical_grid(ticks, place, top, bottom, x_label, "{:.0%}")
    for row, (name, (share, low, high)) in enumerate(rows.items()):
        middle = top + _ROW * 0.7 * (row + 0.5)
        drawn.append(_text(left - 12, middle + 4.5, name, "end", 13, _INK))
        drawn.append(f'<rect x="{left}" y="{middle - 11:.1f}" '
                     f'width="{place(share) - left:.1f}" height="22" '
                     f'fill="{color}"/>')
        drawn.append(f'<line x1="{place(low):.1f}" y1="{middle:.1f}" '
                     f'x2="{place(high):.1f}" y2="{middle:.1f}" '
                     f'stroke="{_INK}" stroke-width="1.5"/>')
        drawn.append(_text(place(max(share, high)) + 8, middle + 4.5,
                           f"{share:.0%}", "start", 13, _INK, True))
    drawn.append(f'<line x1="{place(1):.1f}" y1="{top}" x2="{place(1):.1f}" '
                 f'y2="{bottom:.1f}" stroke="{_INK}" stroke-width="1" '
                 'stroke-dasharray="3 3"/>')
    return _document(frame, drawn, bottom + _FOOT)


def _vertical_grid(ticks, place, top, bottom, x_label, form=None):
    drawn = []
    for tick in ticks:
        label = form.format(tick) if form else _plain(tick)
        drawn.append(_rule(place(tick), top, place(tick), bottom))
        drawn.append(_text(place(tick), bottom + 20, label, "middle", 12,
                           _FAINT))
    drawn.append(_text((place(ticks[0]) + place(ticks[-1])) / 2, bottom + 42,
                       x_label, "middle", 12, _FAINT))
    return drawn


def _linear(low, high, start, end):
    span = (high - low) or 1
    return lambda value: start + (value - low) / span * (end - start)


def _logarithmic(low, high, start, end):
    place = _linear(math.log(low), math.log(high), start, end)
    return lambda value: place(math.log(value))


def _ticks(highest):
    """About five round steps from 0 to at least `highest`."""
    rough = (highest or 1) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 2.5, 5, 10)
                if step * power >= rough * 0.999)
    return [step * i for i in range(math.ceil(highest / step - 0.001) + 1)]


def _log_ticks(lowest, highest):
    low = math.floor(math.log10(lowest))
    high = max(math.ceil(math.log10(highest)), low + 1)
    return [10.0 ** power for power in range(low, high + 1)]


def _plain(number):
    return f"{number:,g}" if number < 10 else f"{number:,.0f}"


def _rule(x1, y1, x2, y2):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{_GRID}"/>')


def _text(x, y, text, anchor, size, color, bold=False):
    # The halo keeps what is bold legible across a line.
    weight = (' font-weight="600" paint-order="stroke" stroke="#fff" '
              'stroke-width="3"' if bold else "")
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'font-size="{size}" fill="{color}"{weight}>{html.escape(text)}'
            '</text>')


def _document(frame, parts, height):
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" '
            f'height="{height:.0f}" font-family="system-ui, -apple-system, '
            "'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif\">")
    ground = (f'<rect width="{_WIDTH}" height="{height:.0f}" rx="6" '
              'fill="#fff"/>')
    size = 19 if len(frame.title) <= 66 else 17
    texts = [_text(24, 36, frame.title, "start", size, _INK, True),
             _text(24, 58, frame.subtitle, "start", 13, _FAINT)]
    texts += [_text(24, height - 13 - 15 * (len(frame.footer) - 1 - row), line,
                    "start", 10.5, _FAINT)
              for row, line in enumerate(frame.footer)]
    return "\n".join([head, f"<title>{html.escape(frame.title)}</title>",
                      ground, *texts, *parts, "</svg>"]) + "\n"
