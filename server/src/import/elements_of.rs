//! A large JSON object, read member by member: lists element by element, so that they need little
//! memory.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Names of members, which are compared in any case.
#[derive(Clone, Copy, Default)]
pub struct Names<'a> {
    /// Lists, whose elements are passed on.
    pub lists: &'a [&'static str],
    /// What is passed on as it is.
    pub whole: &'a [&'static str],
}

/// Passes the members of these names to a function, with the name as it is written here. Any other
/// member is passed by its own name, without its value.
pub struct ElementsOf<'a> {
    /// The members.
    pub names: Names<'a>,
    /// A member that is an object, and the members of it. They are named `OBJECT.MEMBER`.
    pub below: Option<(&'static str, Names<'a>)>,
    /// What gets them.
    pub each: &'a mut dyn FnMut(&str, Value),
}

impl<'de> DeserializeSeed<'de> for ElementsOf<'_> {
    /// The lists that were there.
    type Value = Vec<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ElementsOf<'_> {
    type Value = Vec<&'static str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object with {}", self.names.lists.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { names, below, each } = self;
        let mut found = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let of = |names: &[&'static str]| {
                names.iter().copied().find(|member| member.eq_ignore_ascii_case(&name))
            };
            if let Some(member) = of(names.lists) {
                map.next_value_seed(Elements { member, each: &mut *each })?;
                found.push(member);
            } else if let Some(member) = of(names.whole) {
                each(member, map.next_value()?);
            } else if let Some((object, names)) =
                below.filter(|(object, _)| object.eq_ignore_ascii_case(&name))
            {
                let mut below = |member: &str, value| each(&format!("{object}.{member}"), value);
                let inner = ElementsOf { names, below: None, each: &mut below };
                found.extend(map.next_value_seed(inner)?);
            } else {
                map.next_value::<IgnoredAny>()?;
                each(&name, Value::Null);
            }
        }
        Ok(found)
    }
}

struct Elements<'a> {
    member: &'static str,
    each: &'a mut dyn FnMut(&str, Value),
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an array in {}", self.member)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element()? {
            (self.each)(self.member, element);
        }
        Ok(())
    }
}
