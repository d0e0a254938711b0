//! Numbers of several rounds, as a reader wants them.

/// The values of several rounds.
#[derive(Debug, Default, Clone)]
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    /// The value below which the share `part` of them lies.
    pub(crate) fn at(&self, part: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index among a few thousand"
        )]
        let index = ((self.0.len().saturating_sub(1)) as f64 * part).round() as usize;
        self.0.get(index).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// The median, and between which the rounds lay.
    pub(crate) fn told(&self) -> String {
        format!("{} ({}–{})", short(self.median()), short(self.at(0.0)), short(self.at(1.0)))
    }
}

/// A number with as many digits as mean something, in groups of three.
pub(crate) fn short(value: f64) -> String {
    if value.abs() < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let first = digits.len() % 3;
    let mut told = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && n % 3 == first % 3 {
            told.push(' ');
        }
        told.push(digit);
    }
    told
}

/// Prints a row of a table.
pub(crate) fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

/// Prints the head of a table.
pub(crate) fn head(title: &str, cells: &[&str]) {
    println!("\n{title}\n");
    row(&cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
    row(&vec!["---".to_owned(); cells.len()]);
}
