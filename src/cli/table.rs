//! Tables as Helm prints them (gosuri/uitable): cells padded to their column, a tab between, a final newline.

use unicode_width::UnicodeWidthChar;

/// Rows of cells; every row has the same number.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// The widest a column may be; 0 for no limit.
    widest: usize,
}

impl Table {
    /// Cuts what is wider.
    pub fn limit(&mut self, widest: usize) {
        self.widest = widest;
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// The text Helm prints; a table without rows is one empty line.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| line_width(cell)).max())
            .map(|width| width.unwrap_or_default().min(if self.widest == 0 { usize::MAX } else { self.widest }))
            .collect();
        let lines: Vec<String> = self.rows.iter().map(|row| render_row(row, &widths)).collect();
        lines.join("\n") + "\n"
    }
}

fn render_row(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| resize(cell, *width)).collect();
    let height = cells.iter().map(|cell| cell.split('\n').count()).max().unwrap_or(1);
    let lines: Vec<String> = (0..height)
        .map(|line| {
            let parts: Vec<String> = cells
                .iter()
                .zip(widths)
                .map(|(cell, width)| resize(cell.split('\n').nth(line).unwrap_or_default(), *width))
                .collect();
            parts.join("\t")
        })
        .collect();
    lines.join("\n")
}

/// Width of the longest line of a cell.
fn line_width(cell: &str) -> usize {
    cell.split('\n').map(width).max().unwrap_or_default()
}

/// Terminal cells a text takes, colours and control characters not counted.
pub fn width(text: &str) -> usize {
    let mut total = 0;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // Only colour sequences are ever written into cells; they end with `m`.
            characters.by_ref().find(|end| *end == 'm');
        } else {
            total += character.width().unwrap_or(0);
        }
    }
    total
}

/// Pads to `length`. Longer cells, which only happen when a cell has several lines, are cut as uitable cuts them.
fn resize(text: &str, length: usize) -> String {
    let mut padded = text.to_owned();
    let wide = width(text);
    if wide <= length {
        padded.extend(std::iter::repeat_n(' ', length - wide));
        return padded;
    }
    let (mut cut, mut used) = (String::new(), 0_usize);
    for character in text.chars() {
        cut.push(character);
        let cells = character.width().unwrap_or(0);
        if used + cells + 3 >= length {
            break;
        }
        used += cells;
    }
    cut + "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected texts are what gosuri/uitable v0.0.4 prints for the same cells, followed by Helm's newline.
    #[track_caller]
    fn check(rows: &[[&str; 2]], expected: &str) {
        let mut table = Table::default();
        rows.iter().for_each(|[left, right]| table.row([(*left).to_owned(), (*right).to_owned()]));
        assert_eq!(table.render(), expected);
    }

    #[test]
    fn columns_are_padded_and_joined_by_tabs() {
        check(&[["NAME", "STATUS"], ["berlin", "failed"]], "NAME  \tSTATUS\nberlin\tfailed\n");
    }

    #[test]
    fn colours_take_no_room() {
        check(&[["\u{1b}[1mNAME\u{1b}[22m", "S"], ["berlin", ""]], "\u{1b}[1mNAME\u{1b}[22m  \tS\nberlin\t \n");
    }

    #[test]
    fn wide_characters_count_double() {
        check(&[["ab", "S"], ["日本", "x"]], "ab  \tS\n日本\tx\n");
    }

    #[test]
    fn a_cell_of_several_lines_is_cut_to_its_longest() {
        check(
            &[["A", "DESCRIPTION"], ["1", "first line\nsecond, longer line\nx"], ["2", "short"]],
            "A\tDESCRIPTION        \n1\tfirst line         \n \tsecond...          \n2\tshort              \n",
        );
        check(&[["A", "D"], ["1", "ab\ncd"]], "A\tD \n1\ta...\n");
    }

    #[test]
    fn control_characters_take_no_room() {
        check(&[["A", "D\tE"], ["1", "ab\tc"]], "A\tD\tE \n1\tab\tc\n");
    }

    #[test]
    fn nothing_is_an_empty_line() {
        check(&[], "\n");
    }
}
