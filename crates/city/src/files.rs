//! The files of a city as bytes: packed into one record of the log, and out of it again.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// First bytes of a packed folder: the form and its number.
const MAGIC: &[u8; 5] = b"ZHCF\x01";

/// The files that make a city: every `.toml`, `.csv` and `.geojson` of its folder, by name.
///
/// Nothing else of a folder (its README, LICENSE, NOTICE) is part of the rule set, so editing those changes no
/// version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Vec<u8>>);

/// Why files were not taken or a packed folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A name that is not one plain file of the folder.
    #[error("`{0}` is not a file name of a city: use a-z, 0-9, `.`, `_` and `-`, at most {max} characters", max = Files::MAX_NAME)]
    Name(String),
    /// A file that is too long.
    #[error("`{name}` has {bytes} bytes; a file of a city has at most {max}", max = Files::MAX_FILE)]
    FileTooLarge {
        /// The file.
        name: String,
        /// Its length.
        bytes: usize,
    },
    /// More bytes in all than a city may have.
    #[error("the files of the city have more than {max} bytes in all", max = Files::MAX_TOTAL)]
    TooLarge,
    /// More files than a city may have.
    #[error("the city has more than {max} files", max = Files::MAX_FILES)]
    TooMany,
    /// The bytes are not a packed folder, or not a whole one.
    #[error("the bytes are not a packed city: {0}")]
    NotPacked(&'static str),
    /// The compressed bytes are damaged.
    #[error("the packed city cannot be decompressed")]
    Damaged(#[source] std::io::Error),
}

impl Files {
    /// Most bytes of one file.
    pub const MAX_FILE: usize = 4 * 1024 * 1024;
    /// Most bytes of all files.
    pub const MAX_TOTAL: usize = 16 * 1024 * 1024;
    /// Most files.
    pub const MAX_FILES: usize = 64;
    /// Most characters of a file's name.
    pub const MAX_NAME: usize = 64;

    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the files of a folder, leaving out what is not part of a rule set.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when a name or a size is beyond the limits.
    pub fn from_entries(entries: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, FilesError> {
        let mut files = Self::new();
        for (name, bytes) in entries {
            if Self::is_data(&name) {
                files.insert(&name, bytes)?;
            }
        }
        Ok(files)
    }

    /// Whether a file of the folder is part of the rule set, by its name.
    #[must_use]
    pub fn is_data(name: &str) -> bool {
        [".toml", ".csv", ".geojson"].iter().any(|ending| name.ends_with(ending))
    }

    /// Puts one file in, in place of an earlier one of that name.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when the name or a size is beyond the limits.
    pub fn insert(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), FilesError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if name.is_empty() || name.len() > Self::MAX_NAME || name.starts_with('.') || !name.bytes().all(plain)
        {
            return Err(FilesError::Name(name.to_owned()));
        }
        if bytes.len() > Self::MAX_FILE {
            return Err(FilesError::FileTooLarge { name: name.to_owned(), bytes: bytes.len() });
        }
        let others: usize =
            self.iter().filter(|(other, _)| *other != name).map(|(_, bytes)| bytes.len()).sum();
        if others + bytes.len() > Self::MAX_TOTAL {
            return Err(FilesError::TooLarge);
        }
        if self.0.len() >= Self::MAX_FILES && !self.0.contains_key(name) {
            return Err(FilesError::TooMany);
        }
        self.0.insert(name.to_owned(), bytes);
        Ok(())
    }

    /// The bytes of a file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Names and bytes, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// BLAKE3 of the files in their canonical form (by name, uncompressed), 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        blake3::hash(&self.canonical()).to_hex().to_string()
    }

    /// All files in one run of compressed bytes; the same files give the same bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut packer = DeflateEncoder::new(MAGIC.to_vec(), Compression::best());
        packer
            .write_all(&self.canonical())
            .and_then(|()| packer.finish())
            .expect("writing into memory does not fail")
    }

    /// Opens what [`pack`](Self::pack) made.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when the bytes are not that, are damaged, or unpack to more than the limits.
    pub fn unpack(packed: &[u8]) -> Result<Self, FilesError> {
        let compressed = packed.strip_prefix(MAGIC).ok_or(FilesError::NotPacked("its first bytes differ"))?;
        let most = Self::MAX_TOTAL + Self::MAX_FILES * (Self::MAX_NAME + 8);
        let mut canonical = Vec::new();
        DeflateDecoder::new(compressed)
            .take(most as u64 + 1)
            .read_to_end(&mut canonical)
            .map_err(FilesError::Damaged)?;
        if canonical.len() > most {
            return Err(FilesError::TooLarge);
        }
        let mut files = Self::new();
        let mut rest = canonical.as_slice();
        while !rest.is_empty() {
            let name = part(&mut rest)?;
            let name = std::str::from_utf8(name).map_err(|_| FilesError::NotPacked("a name is not text"))?;
            let bytes = part(&mut rest)?.to_vec();
            if files.get(name).is_some() {
                return Err(FilesError::NotPacked("a file stands in it twice"));
            }
            files.insert(name, bytes)?;
        }
        Ok(files)
    }

    /// Each file by name: length and bytes of its name, length and bytes of itself.
    fn canonical(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for (name, bytes) in self.iter() {
            for part in [name.as_bytes(), bytes] {
                let length = u32::try_from(part.len()).expect("a file is at most MAX_FILE long");
                all.extend_from_slice(&length.to_be_bytes());
                all.extend_from_slice(part);
            }
        }
        all
    }
}

/// Takes one length and that many bytes.
fn part<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], FilesError> {
    const CUT: FilesError = FilesError::NotPacked("it ends in the middle of a file");
    let (length, after) = rest.split_first_chunk::<4>().ok_or(CUT)?;
    let (taken, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or(CUT)?;
    *rest = after;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_plain_names_are_taken() {
        for bad in ["", "../city.toml", "a/b.csv", ".hidden.toml", "City.toml", "город.csv", &"a".repeat(65)]
        {
            assert!(matches!(Files::new().insert(bad, Vec::new()), Err(FilesError::Name(_))), "{bad}");
        }
        let folder =
            ["city.toml", "README.md", "LICENSE", "a.geojson"].map(|name| (name.to_owned(), Vec::new()));
        let files = Files::from_entries(folder).unwrap();
        assert_eq!(files.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a.geojson", "city.toml"]);
    }

    #[test]
    fn limits_hold() {
        let mut files = Files::new();
        let most = vec![0; Files::MAX_FILE];
        let longer = vec![0; Files::MAX_FILE + 1];
        assert!(matches!(files.insert("a.csv", longer), Err(FilesError::FileTooLarge { .. })));
        for name in ["a.csv", "b.csv", "c.csv", "d.csv"] {
            files.insert(name, most.clone()).unwrap();
        }
        assert!(matches!(files.insert("e.csv", vec![1]), Err(FilesError::TooLarge)));
        files.insert("d.csv", most).unwrap();
        assert_eq!(Files::unpack(&files.pack()).unwrap(), files);
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let mut packer = DeflateEncoder::new(MAGIC.to_vec(), Compression::best());
        for _ in 0..32 {
            packer.write_all(&vec![0; 1024 * 1024]).unwrap();
        }
        assert!(matches!(Files::unpack(&packer.finish().unwrap()), Err(FilesError::TooLarge)));
    }

    proptest! {
        #[test]
        fn packing_loses_nothing(
            entries in prop::collection::btree_map("[a-z][a-z0-9_-]{0,20}\\.csv", prop::collection::vec(any::<u8>(), 0..200), 0..10),
            damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let files = Files::from_entries(entries).unwrap();
            let mut packed = files.pack();
            prop_assert_eq!(&Files::unpack(&packed).unwrap(), &files);
            if let Some((at, byte)) = damage {
                let at = at.index(packed.len());
                packed[at] = byte;
                let _ = Files::unpack(&packed);
            }
        }
    }
}
