//! Filters (RFC 4515) and distinguished names (RFC 4514) with places for values. A value is always
//! escaped, so that it can't be anything but a value.

use std::fmt::Write as _;

use ldap3::{dn_escape, ldap_escape, parse_filter};

/// A template that can't be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTemplate(String);

/// A search filter with places, as `(&(objectClass=person)(uid={name}))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterTemplate(Template);

/// A distinguished name with a place, as `uid={name},ou=people,dc=example,dc=com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnTemplate(Template);

/// A value and the name of its place, as `("name", "ada")`.
pub type Place<'a> = (&'a str, &'a str);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

impl FilterTemplate {
    /// Checks a filter. Its places are among these, and there is at least one.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, InvalidTemplate> {
        let filter = Self(Template::parse(text, known)?);
        let sample: Vec<_> = known.iter().map(|name| (*name, "a")).collect();
        if parse_filter(filter.fill(&sample)).is_err() {
            let problem =
                "this is not a search filter, such as (&(objectClass=person)(uid={name}))";
            return Err(InvalidTemplate(problem.to_owned()));
        }
        Ok(filter)
    }

    /// The filter with these values, each of them escaped.
    pub fn fill(&self, values: &[Place<'_>]) -> String {
        self.0.fill(values, |value| ldap_escape(value).into_owned())
    }

    /// The filter for entries of whatever name: each place takes any value.
    pub(crate) fn fill_with_any(&self) -> String {
        let any = ["name", "typed", "dn"].map(|name| (name, "*"));
        self.0.fill(&any, str::to_owned)
    }

    /// Whether it has this place.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.0.iter().any(|part| matches!(part, Part::Place(own) if own == name))
    }
}

impl DnTemplate {
    /// Checks a distinguished name. It has the place `{name}`.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let template = Self(Template::parse(text, &["name"])?);
        if crate::dn::Dn::parse(&template.fill("a")).is_none() {
            let problem = "this is not a distinguished name, such as uid={name},dc=example,dc=com";
            return Err(InvalidTemplate(problem.to_owned()));
        }
        Ok(template)
    }

    /// The distinguished name with this value, escaped.
    pub fn fill(&self, name: &str) -> String {
        self.0.fill(&[("name", name)], |value| dn_escape(value).into_owned())
    }
}

impl Template {
    fn parse(text: &str, known: &[&str]) -> Result<Self, InvalidTemplate> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let known_list = known.join("}, {");
            let unknown = || InvalidTemplate(format!("the places are {{{known_list}}}"));
            let (name, after) = after.split_once('}').ok_or_else(unknown)?;
            if !known.contains(&name) {
                return Err(unknown());
            }
            parts.extend([Part::Text(before.to_owned()), Part::Place(name.to_owned())]);
            rest = after;
        }
        if parts.is_empty() {
            let places = known.join("}, {");
            return Err(InvalidTemplate(format!("it lacks a place for the value: {{{places}}}")));
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    fn fill(&self, values: &[Place<'_>], escape: impl Fn(&str) -> String) -> String {
        let value =
            |name: &str| values.iter().find(|(own, _)| *own == name).map_or("", |own| own.1);
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Place(name) => escape(value(name)),
        });
        parts.collect()
    }
}

/// One filter of several: `sign` is `&` or `|` (RFC 4515 section 3).
pub(crate) fn joined(sign: char, filters: &[String]) -> String {
    let mut all = format!("({sign}");
    for filter in filters {
        if filter.starts_with('(') {
            all.push_str(filter);
        } else {
            let _ = write!(all, "({filter})");
        }
    }
    all.push(')');
    all
}

/// A filter for one value that is bytes.
pub(crate) fn equals_bytes(attribute: &str, value: &[u8]) -> String {
    let mut filter = format!("({attribute}=");
    for byte in value {
        let _ = write!(filter, "\\{byte:02x}");
    }
    filter.push(')');
    filter
}

/// A filter for one value that is a text.
pub(crate) fn equals(attribute: &str, value: &str) -> String {
    format!("({attribute}={})", ldap_escape(value))
}

/// A filter for values that begin with a text.
pub(crate) fn begins_with(attribute: &str, text: &str) -> String {
    format!("({attribute}={}*)", ldap_escape(text))
}

/// Whether the text is a search filter (RFC 4515).
pub fn is_filter(text: &str) -> bool {
    text.starts_with('(') && parse_filter(text).is_ok()
}

/// Whether the text can be the name of an attribute (RFC 4512 section 2.5).
pub fn is_attribute(text: &str) -> bool {
    let is_of_one = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    (1..=100).contains(&text.len()) && text.bytes().all(is_of_one)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ldap3::asn1::{ASNTag as _, PL, StructureTag};
    use proptest::prelude::*;

    use super::*;
    use crate::dn::Dn;

    fn structure(filter: &str) -> StructureTag {
        parse_filter(filter).unwrap().into_structure()
    }

    /// The texts in a filter, in their order, and its form without them.
    fn taken_apart(tag: &StructureTag, values: &mut Vec<Vec<u8>>) -> String {
        match &tag.payload {
            PL::P(value) => {
                values.push(value.clone());
                format!("{:?}{}", tag.class, tag.id)
            }
            PL::C(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| taken_apart(part, values)).collect();
                format!("{:?}{}({})", tag.class, tag.id, parts.join(","))
            }
        }
    }

    const FILTER: &str = "(&(objectClass=person)(|(uid={name})(mail={typed}))(!(uid={name})))";

    #[test]
    fn what_is_no_filter_is_refused() {
        let parse = |text| FilterTemplate::parse(text, &["name", "typed"]);
        assert!(parse(FILTER).is_ok() && parse("(member:1.2.840.113556.1.4.1941:={name})").is_ok());
        for wrong in ["", "(uid=ada)", "uid={name}(", "(uid={nam})", "(uid={name)", "({name}=a)("] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(DnTemplate::parse("uid={name},dc=example").is_ok());
        for wrong in ["", "uid=ada", "{name}", "uid={name},", "uid={name},,dc=x"] {
            assert!(DnTemplate::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn signs_of_filters_are_values() {
        let filter = FilterTemplate::parse("(uid={name})", &["name"]).unwrap();
        for (name, expected) in [
            ("*", "(uid=\\2a)"),
            ("a)(uid=*", "(uid=a\\29\\28uid=\\2a)"),
            ("a\\2a", "(uid=a\\5c2a)"),
            ("a\0", "(uid=a\\00)"),
        ] {
            assert_eq!(filter.fill(&[("name", name)]), expected);
        }
        assert_eq!(equals_bytes("objectGUID", &[0, 0x2a, 255]), "(objectGUID=\\00\\2a\\ff)");
        assert_eq!(begins_with("uid", "a*)(b"), "(uid=a\\2a\\29\\28b*)");
        assert!(is_filter("(objectClass=person)") && !is_filter("a=b)(") && !is_filter("(a=b"));
    }

    #[test]
    fn a_filter_is_asked_about_an_entry_that_is_known() {
        let filter = FilterTemplate::parse(FILTER, &["name", "typed"]).unwrap();
        let any = "(&(objectClass=person)(|(uid=*)(mail=*))(!(uid=*)))";
        assert_eq!(filter.fill_with_any(), any);
        assert!(filter.has("typed") && !filter.has("dn"));
        let both = joined('&', &["(a=b)".to_owned(), "c=d".to_owned()]);
        assert_eq!(both, "(&(a=b)(c=d))");
        assert!(parse_filter(both).is_ok());
    }

    proptest! {
        #[test]
        fn a_filter_keeps_its_form_whatever_was_typed(name in ".*", typed in ".*") {
            let template = FilterTemplate::parse(FILTER, &["name", "typed"]).unwrap();
            let (mut harmless, mut values) = (Vec::new(), Vec::new());
            let plain = template.fill(&[("name", "a"), ("typed", "b")]);
            let form = taken_apart(&structure(&plain), &mut harmless);
            let filled = template.fill(&[("name", &name), ("typed", &typed)]);
            // The parser takes an empty value for a question whether there is one.
            if !name.is_empty() && !typed.is_empty() {
                prop_assert_eq!(taken_apart(&structure(&filled), &mut values), form);
                prop_assert_eq!(&values[3], name.as_bytes());
                prop_assert_eq!(&values[5], typed.as_bytes());
            }
        }

        #[test]
        fn a_distinguished_name_keeps_its_form_whatever_was_typed(name in ".*") {
            let template = DnTemplate::parse("uid={name},ou=people,dc=example").unwrap();
            let dn = Dn::parse(&template.fill(&name)).unwrap();
            let people = Dn::parse("ou=people,dc=example").unwrap();
            prop_assert!(dn.is_under(&people));
            prop_assert_eq!(dn.first_value(), Some(name.as_str()));
            prop_assert_eq!(dn.len(), 3);
        }
    }
}
