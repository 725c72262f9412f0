//! Members of a large JSON object that are arrays, whose elements are read one by one.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Passes each element of the members of these names to a function, with the name.
pub struct ElementsOf<'a> {
    /// The names, compared in any case.
    pub members: &'a [&'static str],
    /// A member that is an object, and the arrays in it.
    pub below: Option<(&'static str, &'a [&'static str])>,
    /// What gets the elements.
    pub each: &'a mut dyn FnMut(&str, Value),
}

impl<'de> DeserializeSeed<'de> for ElementsOf<'_> {
    /// The members that were there.
    type Value = Vec<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ElementsOf<'_> {
    type Value = Vec<&'static str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object with {}", self.members.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { members, below, each } = self;
        let mut found = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let member = members.iter().find(|member| member.eq_ignore_ascii_case(&name));
            if let Some(&member) = member {
                map.next_value_seed(Elements { member, each: &mut *each })?;
                found.push(member);
            } else if let Some((_, members)) =
                below.filter(|(below, _)| below.eq_ignore_ascii_case(&name))
            {
                let inner = ElementsOf { members, below: None, each: &mut *each };
                found.extend(map.next_value_seed(inner)?);
            } else {
                map.next_value::<IgnoredAny>()?;
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
