"""`redspice codecs`: pictures through the codecs, and how fast these are.

What the commands need is imported when they run: the other commands start without it.
"""

from __future__ import annotations

from pathlib import Path

import click

FORMATS = ("gray", "a8", "rgb16", "rgb24", "rgb32", "rgba")
CODECS = ("quic", "lz", "glz", "lz4", "jpeg")

CONVERT_HELP = """Convert a picture from the file IN to the file OUT.

Names that end in .quic, .lz, .glz or .lz4 are streams as SPICE carries them, .jpg is written as
SPICE servers write it, and everything else is read and written in the format of its name.

\b
Examples:
  redspice codecs convert photo.png photo.quic
  redspice codecs convert --format rgb16 photo.png photo.lz
  redspice codecs convert photo.quic again.png
  redspice codecs convert --size 640x480 screen.lz4 screen.png
  redspice codecs convert --quality 60 photo.png photo.jpg
"""

BENCH_HELP = """Measure the codecs on two pictures, a desktop and a photograph.

Shows millions of pixels a second and the size of the result for each of them, beside codecs that
everybody knows. Other programs that run at the same time make the numbers smaller.

\b
Examples:
  redspice codecs bench
  redspice codecs bench --codec quic --seconds 3
  redspice codecs bench --size 640x480
"""


@click.group("codecs")
def codecs_group() -> None:
    """Convert pictures with the image codecs, and measure these."""


@codecs_group.command("convert", help=CONVERT_HELP, short_help="Convert a picture.")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    help="Pixels of a stream.  [default: rgb32, or rgba if IN has alpha]",
)
@click.option("--size", metavar="WxH", help="Size of IN, for .lz4, which does not have it.")
@click.option("--quality", type=click.IntRange(1, 100), help="Quality of a .jpg.  [default: 85]")
def convert_command(
    source: Path, target: Path, format_name: str | None, size: str | None, quality: int | None
) -> None:
    from redspice.cli import picture_files
    from redspice.cli.source import parse_size

    picture = picture_files.load(source, None if size is None else parse_size(size))
    format = None if format_name is None else picture_files.FORMATS[format_name]
    form = picture_files.save(picture, target, format, quality)
    written = target.stat().st_size
    click.echo(f"{target}: {picture.width}x{picture.height}, {form}, {written} bytes")


@codecs_group.command("bench", help=BENCH_HELP, short_help="Measure the speed of the codecs.")
@click.option("--size", metavar="WxH", default="1920x1080", show_default=True, help="Of pictures.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, 3600, min_open=True),
    default=0.3,
    show_default=True,
    help="Time for each measurement.",
)
@click.option("--codec", type=click.Choice(CODECS), help="Only this one.  [default: all]")
def bench_command(size: str, seconds: float, codec: str | None) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from redspice.cli import codec_bench
    from redspice.cli.source import parse_size

    pictures = codec_bench.draw_pictures(*parse_size(size))
    results = []
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("measuring", total=codec_bench.count_results(codec))
        for result in codec_bench.run_bench(pictures, seconds, codec):
            results.append(result)
            progress.advance(task)
    Console().print(codec_bench.table(size, results))
