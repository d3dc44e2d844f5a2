//! A screen as a picture: what is drawn on the terminal, as SVG.

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

/// Pixels of a character cell.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
const BACK: &str = "#16181d";
const TEXT: &str = "#d5d9e0";

/// Draws a buffer as a self-contained SVG, the same bytes for the same buffer.
pub fn draw(buffer: &Buffer) -> String {
    let (width, height) = (f32::from(buffer.area.width) * WIDTH, f32::from(buffer.area.height) * HEIGHT);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
         font-family=\"'DejaVu Sans Mono','Menlo','Consolas',monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{BACK}\"/>\n"
    );
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut x = buffer.area.left();
        while x < buffer.area.right() {
            x = draw_run(buffer, x, y, &mut out);
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Draws cells of one look, from `x` on; returns where the next run starts.
fn draw_run(buffer: &Buffer, x: u16, y: u16, out: &mut String) -> u16 {
    let look = Look::of(&buffer[(x, y)]);
    let (mut text, mut end) = (String::new(), x);
    while end < buffer.area.right() && Look::of(&buffer[(end, y)]) == look {
        let symbol = buffer[(end, y)].symbol();
        text.push_str(symbol);
        end += (symbol.width() as u16).max(1);
    }
    let (left, top) = (f32::from(x) * WIDTH, f32::from(y) * HEIGHT);
    let width = f32::from(end - x) * WIDTH;
    if look.back != BACK {
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{HEIGHT:.1}\" fill=\"{}\"/>",
            look.back
        );
    }
    if !text.trim().is_empty() {
        let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
        let line = if look.underlined { " text-decoration=\"underline\"" } else { "" };
        let text = text.trim_end();
        // The length is told, so that columns meet whatever font the viewer has.
        let length = text.width() as f32 * WIDTH;
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = writeln!(
            out,
            "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
             fill=\"{}\"{weight}{line} xml:space=\"preserve\">{text}</text>",
            top + HEIGHT - 4.5,
            look.text
        );
    }
    end
}

#[derive(PartialEq)]
struct Look {
    text: String,
    back: String,
    bold: bool,
    underlined: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let dimmed = cell.modifier.contains(Modifier::DIM);
        let (text, back) = (colour(cell.fg, if dimmed { "#7d8590" } else { TEXT }), colour(cell.bg, BACK));
        let (text, back) = if cell.modifier.contains(Modifier::REVERSED) { (back, text) } else { (text, back) };
        let has = |modifier| cell.modifier.contains(modifier);
        Self { text, back, bold: has(Modifier::BOLD), underlined: has(Modifier::UNDERLINED) }
    }
}

fn colour(colour: Color, reset: &str) -> String {
    match colour {
        Color::Black => "#16181d",
        Color::Red | Color::LightRed => "#f47067",
        Color::Green | Color::LightGreen => "#6bc46d",
        Color::Yellow | Color::LightYellow => "#daaa3f",
        Color::Blue | Color::LightBlue => "#539bf5",
        Color::Magenta | Color::LightMagenta => "#b083f0",
        Color::Cyan | Color::LightCyan => "#56c2d6",
        Color::Gray | Color::White => "#d5d9e0",
        Color::DarkGray => "#7d8590",
        Color::Rgb(red, green, blue) => return format!("#{red:02x}{green:02x}{blue:02x}"),
        _ => reset,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    #[test]
    fn text_is_escaped_and_painted() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        buffer.set_string(0, 0, "<a>&", Style::new().fg(Color::Red));
        let svg = draw(&buffer);
        assert!(svg.contains(">&lt;a&gt;&amp;</text>"), "{svg}");
        assert!(svg.contains("fill=\"#f47067\""), "{svg}");
    }
}
