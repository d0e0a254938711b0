//! What is wrong with a city's folder: where, what, and how to mend it.

use serde::Serialize;

/// One thing that is wrong, with the place and the remedy.
///
/// Prints as `rules.toml:41: rule "warranty" names party "x", which parties.toml does not have: add it there
/// or correct the code`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fault {
    /// Name of the file in the folder.
    pub file: String,
    /// Line, from 1; 0 when it is the file as a whole (missing, unreadable).
    pub line: u32,
    /// What is wrong.
    pub message: String,
    /// What mends it.
    pub remedy: String,
}

impl Fault {
    pub(crate) fn new(file: &str, line: u32, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, message: message.into(), remedy: remedy.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}: {}", self.file, self.message, self.remedy),
            line => write!(f, "{}:{line}: {}: {}", self.file, self.message, self.remedy),
        }
    }
}

/// Everything that is wrong with a folder (the first 1000), by file and line; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Sorts the faults and drops repetitions; `None` when there are none.
    pub(crate) fn of(mut faults: Vec<Fault>) -> Option<Self> {
        faults.sort();
        faults.dedup();
        (!faults.is_empty()).then_some(Self(faults))
    }

    /// The faults, by file and line.
    #[must_use]
    pub fn list(&self) -> &[Fault] {
        &self.0
    }

    /// The faults, by file and line.
    #[must_use]
    pub fn into_list(self) -> Vec<Fault> {
        self.0
    }
}

impl std::fmt::Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
