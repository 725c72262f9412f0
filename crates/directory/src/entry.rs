//! An entry as a directory sends it (RFC 4511 section 4.5.2).

use ldap3::asn1::{PL, StructureTag};

/// An entry: its name, and the attributes that were asked for and are there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Entry {
    /// The distinguished name.
    pub(crate) dn: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

/// The message is not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidEntry;

impl Entry {
    /// With these attributes, as they would be sent.
    #[cfg(test)]
    pub(crate) fn with(dn: &str, attributes: &[(&str, &[&[u8]])]) -> Self {
        let owned = |(name, values): &(&str, &[&[u8]])| {
            ((*name).to_owned(), values.iter().map(|value| value.to_vec()).collect())
        };
        Self { dn: dn.to_owned(), attributes: attributes.iter().map(owned).collect() }
    }

    /// Reads `SearchResultEntry`.
    pub(crate) fn read(tag: StructureTag) -> Result<Self, InvalidEntry> {
        let mut parts = parts(tag)?.into_iter();
        let dn = text(parts.next().ok_or(InvalidEntry)?)?;
        let mut attributes = Vec::new();
        for attribute in self::parts(parts.next().ok_or(InvalidEntry)?)? {
            let mut parts = self::parts(attribute)?.into_iter();
            let name = text(parts.next().ok_or(InvalidEntry)?)?;
            let values = self::parts(parts.next().ok_or(InvalidEntry)?)?;
            attributes.push((name, values.into_iter().map(bytes).collect::<Result<_, _>>()?));
        }
        Ok(Self { dn, attributes })
    }

    /// The values of an attribute. Names have no case (RFC 4512 section 2.5), and what follows a
    /// semicolon is not part of them.
    pub(crate) fn values(&self, name: &str) -> &[Vec<u8>] {
        let is_same = |own: &str| own.split(';').next().unwrap_or(own).eq_ignore_ascii_case(name);
        let found = self.attributes.iter().find(|(own, values)| is_same(own) && !values.is_empty());
        found.map_or(&[], |(_, values)| values)
    }

    /// The values of an attribute that are texts.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        self.values(name).iter().filter_map(|value| std::str::from_utf8(value).ok()).collect()
    }

    /// The value of an attribute that has one, or the first of several.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).first().copied()
    }
}

fn parts(tag: StructureTag) -> Result<Vec<StructureTag>, InvalidEntry> {
    if let PL::C(parts) = tag.payload { Ok(parts) } else { Err(InvalidEntry) }
}

fn bytes(tag: StructureTag) -> Result<Vec<u8>, InvalidEntry> {
    if let PL::P(bytes) = tag.payload { Ok(bytes) } else { Err(InvalidEntry) }
}

fn text(tag: StructureTag) -> Result<String, InvalidEntry> {
    String::from_utf8(bytes(tag)?).map_err(|_| InvalidEntry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_attributes_have_no_case_and_no_options() {
        let entry = Entry::with(
            "cn=a",
            &[
                ("Mail", &[b"a@example.com", b"\xff"]),
                ("memberOf;range=0-1", &[b"cn=x"]),
                ("memberOf", &[]),
            ],
        );
        assert_eq!(entry.text("mail"), Some("a@example.com"));
        assert_eq!(entry.texts("MAIL"), ["a@example.com"], "bytes are no text");
        assert_eq!(entry.values("mail").len(), 2);
        assert_eq!(entry.text("memberof"), Some("cn=x"));
        assert_eq!(entry.text("mai"), None);
    }
}
