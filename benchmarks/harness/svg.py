"""Charts as SVG text: lines over a logarithmic x, and stacked bars."""

import html
import math

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 150, 50, 55
_COLORS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#b07aa1",
           "#9c755f", "#edc948")


def line_chart(title, x_label, y_label, series, log_y=False):
    """`series` maps a name to [(x, y), ...]; x and a logarithmic y are > 0."""
    points = [point for line in series.values() for point in line]
    xs = sorted({x for x, _ in points})
    ys = [y for _, y in points]
    place_x = _logarithmic(xs[0], xs[-1], _LEFT, _WIDTH - _RIGHT)
    ticks = _log_ticks(min(ys), max(ys)) if log_y else _ticks(max(ys))
    scale = _logarithmic if log_y else _linear
    place_y = scale(ticks[0], ticks[-1], _HEIGHT - _BOTTOM, _TOP)
    parts = _axes(title, y_label, ticks, place_y)
    for x in xs:
        parts.append(_text(place_x(x), _HEIGHT - _BOTTOM + 18, f"{x:,}",
                           "middle"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, x_label,
                       "middle"))
    for index, (name, line) in enumerate(series.items()):
        color = _COLORS[index % len(_COLORS)]
        path = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}"
                        for x, y in sorted(line))
        parts.append(f'<polyline points="{path}" fill="none" '
                     f'stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" '
                  f'r="3.5" fill="{color}"/>' for x, y in line]
        parts += _legend(index, name, color)
    return _document(parts)


def stacked_bars(title, y_label, bars):
    """`bars` maps a bar's name to {part: height}; the parts keep one order."""
    names = list(dict.fromkeys(part for bar in bars.values() for part in bar))
    ticks = _ticks(max(sum(bar.values()) for bar in bars.values()))
    place_y = _linear(ticks[0], ticks[-1], _HEIGHT - _BOTTOM, _TOP)
    parts = _axes(title, y_label, ticks, place_y)
    slot = (_WIDTH - _LEFT - _RIGHT) / len(bars)
    for index, (name, bar) in enumerate(bars.items()):
        left = _LEFT + slot * (index + 0.2)
        bottom = 0
        for part, height in bar.items():
            top = place_y(bottom + height)
            color = _COLORS[names.index(part) % len(_COLORS)]
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{slot * 0.6:.1f}" '
                f'height="{place_y(bottom) - top:.1f}" fill="{color}"/>')
            bottom += height
        middle = left + slot * 0.3
        parts.append(_text(middle, place_y(bottom) - 6, f"{bottom:,.1f}",
                           "middle"))
        for row, word in enumerate(name.split()):
            parts.append(_text(middle, _HEIGHT - _BOTTOM + 18 + 15 * row, word,
                               "middle"))
    for index, part in enumerate(names):
        parts += _legend(index, part, _COLORS[index % len(_COLORS)])
    return _document(parts)


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
                if step * power >= rough)
    return [step * i for i in range(math.ceil(highest / step) + 1)]


def _log_ticks(lowest, highest):
    low = math.floor(math.log10(lowest))
    high = max(math.ceil(math.log10(highest)), low + 1)
    return [10.0 ** power for power in range(low, high + 1)]


def _axes(title, y_label, ticks, place_y):
    parts = [_text(_LEFT, 24, title, "start", 15),
             _text(_LEFT, _TOP - 10, y_label, "middle")]
    for tick in ticks:
        y = place_y(tick)
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" '
                     f'y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{tick:,g}" if tick < 10 else
                           f"{tick:,.0f}", "end"))
    return parts


def _legend(index, name, color):
    x, y = _WIDTH - _RIGHT + 16, _TOP + 20 * index
    return [f'<rect x="{x}" y="{y}" width="12" height="12" fill="{color}"/>',
            _text(x + 18, y + 11, name, "start")]


def _text(x, y, text, anchor, size=12):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'font-size="{size}">{html.escape(text)}</text>')


def _document(parts):
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
            f'height="{_HEIGHT}" font-family="sans-serif" fill="#333">')
    ground = f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
    return "\n".join([head, ground, *parts, "</svg>"]) + "\n"
