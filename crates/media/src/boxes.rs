//! The boxes of which a HEIC is made (ISO/IEC 14496-12, 4.2). Nothing is decoded.

/// The boxes that stand one after another. Ends at the first that does not fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Boxes<'a>(pub(crate) &'a [u8]);

impl<'a> Boxes<'a> {
    /// The content of the first box of this name.
    pub(crate) fn named(mut self, name: &[u8; 4]) -> Option<&'a [u8]> {
        self.find(|(found, _)| found == name).map(|(_, content)| content)
    }

    /// Whether the boxes end where the bytes do.
    pub(crate) fn are_whole(mut self) -> bool {
        while self.next().is_some() {}
        self.0.is_empty()
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (size, rest) = self.0.split_first_chunk()?;
        let (name, rest) = rest.split_first_chunk()?;
        let (content, next) = match u32::from_be_bytes(*size) {
            0 => (rest, &[][..]),
            1 => {
                let (size, rest) = rest.split_first_chunk()?;
                let size = usize::try_from(u64::from_be_bytes(*size)).ok()?;
                rest.split_at_checked(size.checked_sub(16)?)?
            }
            size => rest.split_at_checked(usize::try_from(size).ok()?.checked_sub(8)?)?,
        };
        self.0 = next;
        Some((*name, content))
    }
}

/// Width and height of the largest picture in a HEIC: tiles and thumbnails tell theirs too (ISO/IEC 23008-12, 6.5.3).
pub(crate) fn dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    const VERSION_BYTES: usize = 4;
    let meta = Boxes(bytes).named(b"meta")?.get(VERSION_BYTES..)?;
    let properties = Boxes(Boxes(meta).named(b"iprp")?).named(b"ipco")?;
    Boxes(properties)
        .filter(|(name, _)| name == b"ispe")
        .filter_map(|(_, content)| {
            let (width, rest) = content.get(VERSION_BYTES..)?.split_first_chunk()?;
            Some((u32::from_be_bytes(*width), u32::from_be_bytes(*rest.first_chunk()?)))
        })
        .max_by_key(|(width, height)| u64::from(*width) * u64::from(*height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &str, content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes(), name.as_bytes(), content].concat()
    }

    fn size(width: u32, height: u32) -> Vec<u8> {
        boxed("ispe", &[[0; 4], width.to_be_bytes(), height.to_be_bytes()].concat())
    }

    #[test]
    fn a_picture_is_as_large_as_its_largest_part() {
        let check = |sizes: &[Vec<u8>], expected| {
            let properties = boxed("iprp", &boxed("ipco", &sizes.concat()));
            let meta = boxed("meta", &[&[0; 4][..], &properties].concat());
            let bytes = [boxed("ftyp", b"heic\0\0\0\0mif1"), meta, boxed("mdat", b"pixels")].concat();
            assert_eq!(dimensions(&bytes), expected);
            assert!(Boxes(&bytes).are_whole());
            assert!(!Boxes(&bytes[..bytes.len() - 1]).are_whole());
        };
        check(&[size(512, 512), size(4032, 3024), size(320, 240)], Some((4032, 3024)));
        check(&[boxed("irot", b"\0"), size(3, 4)], Some((3, 4)));
        check(&[boxed("ispe", b"\0\0\0\0\0\0")], None);
        check(&[], None);
    }

    #[test]
    fn sizes_are_those_of_the_standard() {
        let check = |bytes: &[u8], expected: &[(&[u8; 4], &[u8])]| {
            let found: Vec<_> = Boxes(bytes).collect();
            assert_eq!(found, expected.iter().map(|(name, content)| (**name, *content)).collect::<Vec<_>>());
        };
        check(b"\0\0\0\x09freeX", &[(b"free", b"X")]);
        check(b"\0\0\0\0mdatXY", &[(b"mdat", b"XY")]);
        check(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x11X", &[(b"mdat", b"X")]);
        check(b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xffX", &[]);
        check(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x01X", &[]);
        check(b"\0\0\0\x07free", &[]);
        check(b"\0\0\0\x0afreeX", &[]);
        check(b"\0\0\0", &[]);
    }
}
