//! Who acts: rules with their conditions, and marks on manhole covers.
//!
//! This is the data only. What a message is about, and which rule holds for it, is decided by `triage` and
//! `routing`; what is asked here is answered from the city's own files.

use zholdary_domain::PlaceKind;

use crate::template::Texts;

/// One rule: the first whose `when` holds wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Code, such as `warranty`.
    pub code: String,
    /// When it holds.
    pub when: When,
    /// Who acts.
    pub party: PartyRef,
    /// Who hears of it; a copy equal to the party, or that nothing resolves, is left out.
    pub copy_to: Vec<PartyRef>,
    /// Group of the report in place of the category's.
    pub bucket: Option<String>,
    /// Template of a question sent too.
    pub ask: Option<String>,
    /// Template of a question sent too when the settlement is near the border.
    pub ask_near_border: Option<String>,
    /// The sentence shown with the decision; its placeholders are [`BECAUSE`].
    pub because: Texts,
}

/// Placeholders of a rule's sentence.
pub const BECAUSE: [&str; 15] = [
    "category",
    "place",
    "district",
    "party",
    "street",
    "highway",
    "settlement",
    "works",
    "kind",
    "starts",
    "ends",
    "warranty_until",
    "contractor",
    "owner",
    "mark",
];

/// Conditions of a rule: every one given must hold; none at all always holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    /// The category is one of these.
    pub category: Option<Categories>,
    /// The category's group is one of these.
    pub group: Option<Vec<String>>,
    /// The category's own flag.
    pub needs_place: Option<bool>,
    /// The place is of one of these kinds or has one of these tags.
    pub place: Option<Vec<PlaceTest>>,
    /// The place is inside the city; an unknown place is neither.
    pub in_city: Option<bool>,
    /// The settlement's flag.
    pub near_border: Option<bool>,
    /// Any of these stems is in the text, after folding, by prefix.
    pub stems: Option<Vec<String>>,
    /// A row of works covers the place on that day in one of these ways.
    pub works: Option<Vec<WorksTest>>,
    /// Whether the owner of the cover is known.
    pub cover_mark: Option<bool>,
}

impl When {
    /// Whether it holds for everything: no condition is given.
    #[must_use]
    pub fn is_total(&self) -> bool {
        *self == Self::default()
    }
}

/// Categories a rule holds for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Categories {
    /// Any known category (`"*"`).
    Any,
    /// Any of these.
    Of(Vec<String>),
}

impl Categories {
    /// Whether a category is among them.
    #[must_use]
    pub fn contains(&self, code: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of(codes) => codes.iter().any(|one| one == code),
        }
    }
}

/// What a rule asks of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceTest {
    /// It is of this kind.
    Kind(PlaceKind),
    /// It has the tag `yard`.
    Yard,
}

/// What a rule asks of the works register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorksTest {
    /// Works are under way.
    Active,
    /// Works are finished and under warranty.
    Warranty,
    /// A permit to dig holds.
    Permit,
}

/// A party of a rule: named, or found from what the message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartyRef {
    /// This party, by code.
    Code(String),
    /// `@category.party`: the category's own.
    CategoryParty,
    /// `@place.district`: the akimat of the place's district.
    PlaceDistrict,
    /// `@works.contractor`: the row's contractor, else its owner.
    WorksContractor,
    /// `@works.owner`: who ordered the works.
    WorksOwner,
    /// `@cover.owner`: the owner by the mark on the cover.
    CoverOwner,
    /// `@highway.party`: column `party` of the highway.
    HighwayParty,
    /// `@settlement.party`: column `party` of the settlement.
    SettlementParty,
}

impl PartyRef {
    /// Names that begin with `@`, as the files write them.
    pub const NAMES: [&str; 7] = [
        "@category.party",
        "@place.district",
        "@works.contractor",
        "@works.owner",
        "@cover.owner",
        "@highway.party",
        "@settlement.party",
    ];

    /// Reads a party of a rule; `None` for an `@` name that is not known.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Some(match text {
            "@category.party" => Self::CategoryParty,
            "@place.district" => Self::PlaceDistrict,
            "@works.contractor" => Self::WorksContractor,
            "@works.owner" => Self::WorksOwner,
            "@cover.owner" => Self::CoverOwner,
            "@highway.party" => Self::HighwayParty,
            "@settlement.party" => Self::SettlementParty,
            code if code.starts_with('@') => return None,
            code => Self::Code(code.to_owned()),
        })
    }
}

/// Letters on a manhole cover and whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverMark {
    /// Owner.
    pub party: PartyRef,
    /// The letters, in lower case; marks of four letters and more need no mark word beside them.
    pub marks: Vec<String>,
}

/// Words that tell a mark on a cover from other letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverWords {
    /// Stems of «letter», «sign», «inscription», within 3 tokens of the mark.
    pub mark_words: Vec<String>,
    /// Stems of «manhole», «cover», «well».
    pub stems: Vec<String>,
    /// Who is meant when no mark is known.
    pub otherwise: PartyRef,
}
