"""`redspice codecs`: pictures through files of every kind, and the table of speeds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageChops

from redspice.cli import codec_bench, codecs, picture_files
from redspice.cli.main import main

STREAMS = sorted(picture_files.SUFFIXES)

#: Formats that keep the colours of an RGB picture.
LOSSLESS = ("rgb24", "rgb32", "rgba")


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["codecs", *map(str, arguments)])


def refusal(*arguments: object) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line.removeprefix("Error: ")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """An RGB picture of 31 x 20 pixels."""
    path = tmp_path / "picture.png"
    codec_bench.noise(31, 20).save(path)
    return path


@pytest.fixture
def glass(tmp_path: Path) -> Path:
    """An RGBA picture of 31 x 20 pixels."""
    path = tmp_path / "glass.png"
    image = codec_bench.noise(31, 20)
    image.putalpha(codec_bench.noise(31, 20).getchannel("B"))
    image.save(path)
    return path


def size_of(suffix: str) -> tuple[str, ...]:
    """What must be told to read a stream."""
    return ("--size", "31x20") if suffix == ".lz4" else ()


def through(path: Path, suffix: str, *options: str) -> Image.Image:
    """The picture after a way to a file of this kind and back."""
    stream, back = path.with_suffix(suffix), path.with_name("back.png")
    there = invoke("convert", path, stream, *options)
    assert there.exit_code == 0, there.output
    assert re.fullmatch(rf"{stream}: 31x20, .*, {stream.stat().st_size} bytes\n", there.output)
    result = invoke("convert", *size_of(suffix), stream, back)
    assert result.exit_code == 0, result.output
    with Image.open(back) as image:
        image.load()
        return image


# convert


@pytest.mark.parametrize("suffix", STREAMS)
@pytest.mark.parametrize("format", LOSSLESS)
def test_a_picture_survives_the_way_there_and_back(picture: Path, suffix: str, format: str) -> None:
    back = through(picture, suffix, "--format", format)
    assert back.mode == ("RGBA" if format == "rgba" else "RGB")
    assert back.convert("RGB").tobytes() == codec_bench.noise(31, 20).tobytes()


@pytest.mark.parametrize("suffix", STREAMS)
def test_alpha_is_kept_unless_told_otherwise(glass: Path, suffix: str) -> None:
    with Image.open(glass) as before:
        assert through(glass, suffix).tobytes() == before.tobytes()
        opaque = through(glass, suffix, "--format", "rgb32")
        assert opaque.tobytes() == before.convert("RGB").tobytes()


@pytest.mark.parametrize("suffix", STREAMS)
def test_16_bits_keep_the_upper_ones(picture: Path, suffix: str) -> None:
    with Image.open(picture) as before:
        upper = before.point(lambda value: value >> 3 << 3 | value >> 5)
    assert through(picture, suffix, "--format", "rgb16").tobytes() == upper.tobytes()


def test_grey_and_alpha_alone_become_a_grey_picture(glass: Path) -> None:
    with Image.open(glass) as before:
        grey = through(glass, ".quic", "--format", "gray")
        assert (grey.mode, grey.tobytes()) == ("L", before.convert("L").tobytes())
        alpha = through(glass, ".lz", "--format", "a8")
        assert (alpha.mode, alpha.tobytes()) == ("L", before.getchannel("A").tobytes())


def test_the_default_is_32_bits(picture: Path) -> None:
    stream = picture.with_suffix(".lz")
    assert "rgb32" in invoke("convert", picture, stream).output
    assert stream.read_bytes()[8:12] == b"\0\0\0\x08"


def test_a_jpeg_is_nearly_the_same(picture: Path) -> None:
    back = through(picture, ".jpg", "--quality", "100")
    with Image.open(picture) as before:
        difference = ImageChops.difference(before, back).convert("L")
    assert max(difference.tobytes()) < 40


def test_quality_is_that_of_servers_unless_given(picture: Path) -> None:
    sizes = []
    for options in ((), ("--quality", "85"), ("--quality", "20")):
        target = picture.with_suffix(".jpeg")
        assert invoke("convert", picture, target, *options).exit_code == 0
        sizes.append(target.stat().st_size)
    assert sizes[0] == sizes[1] > sizes[2]


def test_one_stream_becomes_another(picture: Path) -> None:
    quic, lz = picture.with_suffix(".quic"), picture.with_suffix(".LZ")
    assert invoke("convert", picture, quic).exit_code == 0
    assert invoke("convert", quic, lz).exit_code == 0
    assert through(lz, ".png").tobytes() == codec_bench.noise(31, 20).tobytes()


def test_pictures_of_other_modes_are_read(tmp_path: Path) -> None:
    for mode, color in (("1", 1), ("L", 255), ("I;16", 65535), ("P", 0), ("CMYK", (0, 0, 0, 0))):
        path = tmp_path / f"{mode.replace(';', '')}.tiff"
        Image.new(mode, (3, 2), color).save(path)
        result = invoke("convert", path, tmp_path / "out.lz")
        assert result.exit_code == 0, result.output
        loaded = picture_files.load(tmp_path / "out.lz")
        assert loaded.size == (3, 2)
        if mode != "P":
            assert loaded.getpixel((0, 0)) == (255, 255, 255)


# what cannot be converted


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    for suffix in (".png", *STREAMS):
        missing = tmp_path / f"missing{suffix}"
        assert refusal("convert", *size_of(suffix), missing, out) == (
            f"{missing}: No such file or directory"
        )
    assert refusal("convert", tmp_path, out).endswith(": Is a directory")
    assert not out.exists()


@pytest.mark.parametrize("suffix", STREAMS)
def test_broken_streams_are_refused_with_the_place(picture: Path, suffix: str) -> None:
    stream = picture.with_suffix(suffix)
    assert invoke("convert", picture, stream).exit_code == 0
    stream.write_bytes(stream.read_bytes()[:40])
    line = refusal("convert", *size_of(suffix), stream, picture.with_name("out.png"))
    assert re.fullmatch(rf"{re.escape(str(stream))}: .* at offset \d+", line)


def test_broken_pictures_are_refused(picture: Path) -> None:
    text = picture.with_name("text.png")
    text.write_text("no picture")
    assert refusal("convert", text, picture.with_name("out.lz")) == (
        f"{text}: not a picture in a format that can be read"
    )
    half = picture.with_name("half.png")
    half.write_bytes(picture.read_bytes()[:200])
    assert refusal("convert", half, picture.with_name("out.lz")).startswith(f"{half}: ")


def test_indices_without_a_palette_are_refused(tmp_path: Path) -> None:
    from redspice.codecs import PixelFormat, lz

    stream = tmp_path / "indices.lz"
    stream.write_bytes(lz.encode(b"\1\2", 2, 1, 2, PixelFormat.PLT8))
    assert refusal("convert", stream, tmp_path / "out.png") == f"{stream}: PLT8 without a palette"


def test_an_image_that_refers_to_another_is_refused(tmp_path: Path) -> None:
    from redspice.codecs import PixelFormat
    from redspice.codecs.glz_dictionary import Dictionary

    dictionary = Dictionary(1 << 16)
    pixels = codec_bench.noise(31, 20).tobytes("raw", "BGRX")
    for name in ("first.glz", "second.glz"):
        stream = dictionary.encode(pixels, 31, 20, 124, PixelFormat.BGRX32)
        tmp_path.joinpath(name).write_bytes(stream)
    assert invoke("convert", tmp_path / "first.glz", tmp_path / "out.png").exit_code == 0
    line = refusal("convert", tmp_path / "second.glz", tmp_path / "out.png")
    assert line.endswith("image 0 has not been decoded yet")


def test_options_must_fit_the_files(picture: Path) -> None:
    def out(suffix: str) -> Path:
        return picture.with_suffix(suffix)

    assert invoke("convert", picture, out(".lz4")).exit_code == 0
    assert refusal("convert", out(".lz4"), out(".bmp")) == (
        "LZ4 streams do not have their size in them: give --size"
    )
    assert refusal("convert", "--size", "31x19", out(".lz4"), out(".bmp")).startswith(
        f"{out('.lz4')}: not an LZ4 block"
    )
    assert refusal("convert", "--size", "large", out(".lz4"), out(".bmp")).startswith(
        "size 'large'"
    )
    assert refusal("convert", "--format", "gray", picture, out(".lz")) == (
        ".lz has no format gray: use one of rgb16, rgb24, rgb32, rgba, a8"
    )
    assert refusal("convert", "--format", "rgb16", picture, out(".bmp")).startswith(
        "--format is for .quic, .lz, .glz, .lz4"
    )
    assert refusal("convert", "--quality", "50", picture, out(".lz")) == (
        "--quality is for .jpg, .jpeg"
    )


def test_targets_that_cannot_be_written_are_refused(picture: Path) -> None:
    nowhere = picture.parent / "nowhere" / "out.lz"
    assert refusal("convert", picture, nowhere) == f"{nowhere}: No such file or directory"
    assert "unknown file extension" in refusal("convert", picture, picture.with_suffix(".what"))


def test_pictures_above_the_limit_are_refused(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_files, "MAX_PIXELS", 619)
    assert refusal("convert", picture, picture.with_suffix(".lz")) == (
        f"{picture}: 31x20 pixels, 619 allowed"
    )


# bench


def test_the_table_has_every_codec_and_yardstick() -> None:
    result = invoke("bench", "--size", "48x32", "--seconds", "0.001")
    assert result.exit_code == 0, result.output
    assert "48x32" in result.stdout
    assert result.stderr == ""  # progress is for terminals
    for name in (*codecs.CODECS, "lz4.block", "zlib-1", "simplejpeg"):
        (row,) = [line for line in result.stdout.splitlines() if re.search(rf"│ {name} ", line)]
        assert len(re.findall(r"\d+\.\d", row)) == 6, row


def test_one_codec_is_measured_beside_the_yardsticks() -> None:
    result = invoke("bench", "--size", "48x32", "--seconds", "0.001", "--codec", "lz4")
    assert " lz4 " in result.stdout
    assert " zlib-1 " in result.stdout
    assert " quic " not in result.stdout


def test_the_table_says_whether_the_codecs_are_compiled() -> None:
    table = codec_bench.table("48x32", [("lz", "photo", codec_bench.Figures(1e6, 2e6, 0.5))])
    form = "compiled" if codec_bench.COMPILED else "plain Python"
    assert form in str(table.title)


def test_codecs_give_back_what_they_are_measured_with() -> None:
    for picture in codec_bench.draw_pictures(48, 32):
        for name in ("quic", "lz", "glz", "lz4"):
            codec = codec_bench.OURS[name]
            image = codec.decode(codec.encode(picture), picture)
            assert image.tight() == picture.pixels.tobytes(), name


def test_sizes_that_no_screen_has_are_refused() -> None:
    assert refusal("bench", "--size", "1920") == "size '1920' is not WIDTHxHEIGHT, like 1024x768"
    assert "0x100" in refusal("bench", "--size", "0x100")


# help


@pytest.mark.parametrize("command", [(), ("convert",), ("bench",)])
def test_help_is_there(command: tuple[str, ...]) -> None:
    result = invoke(*command, "--help")
    assert result.exit_code == 0
    assert result.output.startswith("Usage: main codecs")
    if command:
        assert "  Examples:\n    redspice codecs" in result.output


def test_the_choices_are_what_there_is() -> None:
    assert set(codecs.CODECS) == set(codec_bench.OURS)
    assert set(codecs.FORMATS) == set(picture_files.FORMATS)


def test_other_commands_start_without_what_these_need() -> None:
    script = (
        "import sys; from redspice.cli import codecs;"
        "print([n for n in sys.modules if n.startswith(('redspice.cli.codec_b', 'rich', 'PIL'))])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
