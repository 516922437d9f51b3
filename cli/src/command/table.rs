//! Tables: columns for people, which fit the terminal.

use console::{Term, measure_text_width};

/// What is between two columns.
const GAP: &str = "  ";

/// A line for each row, with columns of equal width. Where a line is too long for the terminal, its last column has one
/// of its own.
pub(super) fn lines(rows: &[Vec<String>]) -> Vec<String> {
    within(rows, width())
}

fn within(rows: &[Vec<String>], limit: Option<usize>) -> Vec<String> {
    let fold = |(line, row): (String, &Vec<String>)| match row.last() {
        Some(last) if !last.is_empty() && !fits(&line, limit) => {
            let before = line.strip_suffix(last.as_str()).unwrap_or(&line).trim_end();
            format!("{before}\n{GAP}{GAP}{last}")
        }
        _ => line,
    };
    aligned(rows).into_iter().zip(rows).map(fold).collect()
}

/// A line for each row, with columns of equal width.
pub(super) fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column| {
        rows.iter().filter_map(|row| row.get::<usize>(column)).map(|cell| measure_text_width(cell)).max()
    };
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let pad = |(cell, width): (&String, &usize)| {
        format!("{cell}{}", " ".repeat(width.saturating_sub(measure_text_width(cell))))
    };
    let line = |row: &Vec<String>| row.iter().zip(&widths).map(pad).collect::<Vec<_>>().join(GAP);
    rows.iter().map(|row| line(row).trim_end().to_owned()).collect()
}

/// Whether a line fits the terminal, if standard output is one.
pub(super) fn fits_terminal(line: &str) -> bool {
    fits(line, width())
}

fn fits(line: &str, limit: Option<usize>) -> bool {
    limit.is_none_or(|limit| measure_text_width(line) <= limit)
}

fn width() -> Option<usize> {
    Term::stdout().size_checked().map(|(_, columns)| usize::from(columns))
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn what_does_not_fit_has_a_line_of_its_own() {
        let rows = [["a", "ünë", "x"], ["long", "b", "much longer"], ["c", "d", ""]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(within(&rows, None), ["a     ünë  x", "long  b    much longer", "c     d"]);
        assert_eq!(within(&rows, Some(14)), ["a     ünë  x", "long  b\n    much longer", "c     d"]);
    }
}
