//! Colours and glyphs. The default uses the terminal's own palette; meaning never rests on colour alone.

use ratatui::{
    style::{Color, Modifier, Style},
    symbols::border,
};

/// A frame of plain ASCII characters.
pub const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// The signs beside words, in Unicode or ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is named after what it stands for")]
pub struct Glyphs {
    pub ascii: bool,
    pub good: &'static str,
    pub bad: &'static str,
    pub busy: &'static str,
    pub idle: &'static str,
    pub forbidden: &'static str,
    pub cursor: &'static str,
    pub mark: &'static str,
    pub vertical: &'static str,
    pub horizontal: &'static str,
    pub separator: &'static str,
    pub live: &'static str,
    pub running: &'static str,
    pub unknown: &'static str,
    pub none: &'static str,
    pub open: &'static str,
    pub folded: &'static str,
    pub dot: &'static str,
    pub arrow: &'static str,
}

const UNICODE: Glyphs = Glyphs {
    ascii: false,
    good: "✓",
    bad: "✗",
    busy: "◐",
    idle: "○",
    forbidden: "⊘",
    cursor: "▸",
    mark: "●",
    vertical: "│",
    horizontal: "─",
    separator: "▸",
    live: "●",
    running: "⟳",
    unknown: "…",
    none: "–",
    open: "▾",
    folded: "▸",
    dot: "·",
    arrow: "→",
};

const ASCII: Glyphs = Glyphs {
    ascii: true,
    good: "+",
    bad: "x",
    busy: "~",
    idle: "o",
    forbidden: "!",
    cursor: ">",
    mark: "*",
    vertical: "|",
    horizontal: "-",
    separator: ">",
    live: "*",
    running: "@",
    unknown: "..",
    none: "-",
    open: "v",
    folded: ">",
    dot: "-",
    arrow: "->",
};

/// A style for each role a piece of text can have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is named after the role it paints")]
pub struct Theme {
    pub text: Style,
    pub dim: Style,
    pub accent: Style,
    pub heading: Style,
    pub selected: Style,
    pub selected_idle: Style,
    pub bar: Style,
    pub good: Style,
    pub bad: Style,
    pub warn: Style,
    pub busy: Style,
    pub added: Style,
    pub removed: Style,
    pub found: Style,
    pub key: Style,
    pub string: Style,
    pub number: Style,
    pub comment: Style,
    pub production: Style,
    pub glyphs: Glyphs,
}

/// The names a configuration may use.
pub const NAMES: &[&str] = &["default", "dark", "light", "high-contrast", "colour-blind", "16-colour", "none"];

/// The few colours a theme is made of.
struct Palette {
    text: Style,
    dim: Color,
    accent: Color,
    good: Color,
    bad: Color,
    warn: Color,
    busy: Color,
    string: Color,
    bar: Style,
    selected: Style,
}

impl Theme {
    /// The theme of a name out of [`NAMES`]; `None` for any other. `plain` (`NO_COLOR`) wins over the name.
    pub fn named(name: &str, plain: bool, ascii: bool) -> Option<Self> {
        let theme = match name {
            _ if plain && NAMES.contains(&name) => Self::colourless(),
            "default" | "16-colour" => Self::of(&terminal_palette()),
            "dark" => Self::of(&rgb_palette(0x1c1f26, 0xd5d9e0, [0x7d8590, 0x6cb6ff, 0x6bc46d, 0xf47067, 0xdaaa3f])),
            "light" => Self::of(&rgb_palette(0xffffff, 0x1f2328, [0x656d76, 0x0550ae, 0x116329, 0xa40e26, 0x7d4e00])),
            "high-contrast" => Self::of(&high_contrast()),
            "colour-blind" => Self::of(&colour_blind()),
            "none" => Self::colourless(),
            _ => return None,
        };
        Some(Self { glyphs: if ascii { ASCII } else { UNICODE }, ..theme })
    }

    /// What is used where a name has no theme: the terminal's own palette.
    pub fn fallback() -> Self {
        Self::of(&terminal_palette())
    }

    fn of(palette: &Palette) -> Self {
        let paint = |colour| palette.text.fg(colour);
        Self {
            text: palette.text,
            dim: paint(palette.dim),
            accent: paint(palette.accent),
            heading: palette.text.add_modifier(Modifier::BOLD),
            selected: palette.selected,
            selected_idle: palette.text.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            bar: palette.bar,
            good: paint(palette.good),
            bad: paint(palette.bad),
            warn: paint(palette.warn),
            busy: paint(palette.busy),
            added: paint(palette.good),
            removed: paint(palette.bad),
            found: palette.text.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            key: paint(palette.accent),
            string: paint(palette.string),
            number: paint(palette.warn),
            comment: paint(palette.dim),
            production: palette.text.fg(palette.bad).add_modifier(Modifier::REVERSED | Modifier::BOLD),
            glyphs: UNICODE,
        }
    }

    fn colourless() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        let reversed = plain.add_modifier(Modifier::REVERSED);
        Self {
            text: plain,
            dim,
            accent: bold,
            heading: bold,
            selected: reversed,
            selected_idle: bold.add_modifier(Modifier::UNDERLINED),
            bar: reversed,
            good: plain,
            bad: bold,
            warn: bold,
            busy: plain,
            added: bold,
            removed: plain.add_modifier(Modifier::UNDERLINED),
            found: reversed,
            key: plain,
            string: plain,
            number: plain,
            comment: dim,
            production: reversed.add_modifier(Modifier::BOLD),
            glyphs: UNICODE,
        }
    }
}

/// The terminal's own sixteen colours, so that it looks like the rest of the user's terminal.
fn terminal_palette() -> Palette {
    Palette {
        text: Style::new(),
        dim: Color::DarkGray,
        accent: Color::Cyan,
        good: Color::Green,
        bad: Color::Red,
        warn: Color::Yellow,
        busy: Color::Blue,
        string: Color::Reset,
        bar: Style::new().add_modifier(Modifier::REVERSED),
        selected: Style::new().add_modifier(Modifier::REVERSED),
    }
}

/// Exact colours: background, text, then dim, accent, good, bad, warn.
fn rgb_palette(back: u32, text: u32, [dim, accent, good, bad, warn]: [u32; 5]) -> Palette {
    let base = Style::new().bg(Color::from_u32(back)).fg(Color::from_u32(text));
    Palette {
        text: base,
        dim: Color::from_u32(dim),
        accent: Color::from_u32(accent),
        good: Color::from_u32(good),
        bad: Color::from_u32(bad),
        warn: Color::from_u32(warn),
        busy: Color::from_u32(accent),
        string: Color::from_u32(text),
        bar: base.add_modifier(Modifier::REVERSED),
        selected: base.add_modifier(Modifier::REVERSED),
    }
}

fn high_contrast() -> Palette {
    let base = Style::new().bg(Color::Black).fg(Color::White);
    Palette {
        text: base,
        dim: Color::Gray,
        accent: Color::LightCyan,
        good: Color::LightGreen,
        bad: Color::LightRed,
        warn: Color::LightYellow,
        busy: Color::LightCyan,
        string: Color::White,
        bar: Style::new().bg(Color::White).fg(Color::Black).add_modifier(Modifier::BOLD),
        selected: Style::new().bg(Color::LightYellow).fg(Color::Black).add_modifier(Modifier::BOLD),
    }
}

/// Blue and orange in place of green and red, distinct for every common colour vision (Okabe and Ito's palette).
fn colour_blind() -> Palette {
    Palette {
        dim: Color::DarkGray,
        accent: Color::from_u32(0x56b4e9),
        good: Color::from_u32(0x0072b2),
        bad: Color::from_u32(0xd55e00),
        warn: Color::from_u32(0xe69f00),
        busy: Color::from_u32(0xcc79a7),
        ..terminal_palette()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_theme() {
        for name in NAMES {
            assert!(Theme::named(name, false, false).is_some(), "{name}");
        }
        assert!(Theme::named("neon", false, false).is_none());
    }

    #[test]
    fn no_color_leaves_no_colour() {
        for name in NAMES {
            let theme = Theme::named(name, true, false).unwrap_or_else(|| panic!("{name}"));
            for style in [theme.text, theme.bad, theme.added, theme.removed, theme.bar, theme.production] {
                assert_eq!((style.fg, style.bg), (None, None), "{name}");
            }
            assert_ne!(theme.added, theme.removed);
        }
    }
}
