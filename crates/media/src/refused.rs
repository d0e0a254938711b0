//! Why a file is not taken.

/// Why a file is not taken. The same bytes are refused again: waiting does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// It has no bytes.
    #[error("the file is empty")]
    Empty,
    /// It has more bytes than its kind may have.
    #[error("the file is larger than is taken")]
    TooLarge,
    /// A program, a package or a shortcut of some system.
    #[error("the file is a program")]
    Executable,
    /// Text that an interpreter runs.
    #[error("the file is a script")]
    Script,
    /// HTML, or other markup that a browser may show as a page of ours.
    #[error("the file is a page")]
    Html,
    /// SVG: a picture that may hold scripts.
    #[error("the file is an SVG")]
    Svg,
    /// A document that brings a program along.
    #[error("the document holds macros")]
    Macros,
    /// Nothing that is taken.
    #[error("the file is of no kind that is taken")]
    Unknown,
    /// A picture with more pixels than may be decoded.
    #[error("the picture has more pixels than are taken")]
    Bomb,
    /// It begins as a picture and cannot be read as one.
    #[error("the picture cannot be read")]
    Unreadable,
}

impl Refused {
    /// Every reason there is.
    pub const ALL: [Self; 10] = [
        Self::Empty,
        Self::TooLarge,
        Self::Executable,
        Self::Script,
        Self::Html,
        Self::Svg,
        Self::Macros,
        Self::Unknown,
        Self::Bomb,
        Self::Unreadable,
    ];

    /// The code of the reason. It never changes: programs and metrics read it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::Executable => "executable",
            Self::Script => "script",
            Self::Html => "html",
            Self::Svg => "svg",
            Self::Macros => "macros",
            Self::Unknown => "unknown",
            Self::Bomb => "bomb",
            Self::Unreadable => "unreadable",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own() {
        let codes: HashSet<_> = Refused::ALL.iter().map(|why| why.code()).collect();
        assert_eq!(codes.len(), Refused::ALL.len());
    }
}
