//! The parser of filters: by descent, with a bounded depth.

use serde_json::Value;

use super::{Comparison, DEEPEST, Filter, FilterError, LONGEST, MOST_TERMS};
use crate::scim::attribute_path::{AttributePath, is_name};

/// Reads a text that is a filter from beginning to end.
pub fn whole(text: &str) -> Result<Filter, FilterError> {
    let mut parser = Parser::new(text)?;
    let filter = parser.any_of()?;
    parser.space();
    if parser.rest().is_empty() { Ok(filter) } else { Err(parser.expected("and, or, or the end")) }
}

/// Reads a filter up to the bracket that closes it.
pub fn within_brackets(text: &str) -> Result<(Filter, usize), FilterError> {
    let mut parser = Parser::new(text)?;
    parser.depth = 1;
    parser.in_value = true;
    let filter = parser.any_of()?;
    parser.space();
    if parser.rest().starts_with(']') {
        Ok((filter, parser.at))
    } else {
        Err(parser.expected("and, or, or a closing bracket"))
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    terms: usize,
    /// Within `[]`, which are not within each other.
    in_value: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, FilterError> {
        if text.len() > LONGEST {
            return Err(FilterError::TooLong);
        }
        Ok(Self { text, at: 0, depth: 0, terms: 0, in_value: false })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn expected(&self, expected: &'static str) -> FilterError {
        FilterError::Syntax { at: self.at, expected }
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
    }

    /// The next word, which is not taken yet: up to a space or a bracket.
    fn word(&self) -> &'a str {
        let end = self.rest().find([' ', '(', ')', '[', ']', '"']);
        &self.rest()[..end.unwrap_or(self.rest().len())]
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.word().eq_ignore_ascii_case(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn take(&mut self, char: char) -> bool {
        let found = self.rest().starts_with(char);
        if found {
            self.at += char.len_utf8();
        }
        found
    }

    fn any_of(&mut self) -> Result<Filter, FilterError> {
        self.joined("or", Self::all_of, Filter::Or)
    }

    fn all_of(&mut self) -> Result<Filter, FilterError> {
        self.joined("and", Self::term, Filter::And)
    }

    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Filter, FilterError>,
        join: fn(Vec<Filter>) -> Filter,
    ) -> Result<Filter, FilterError> {
        let first = part(self)?;
        let mut parts = vec![first];
        loop {
            self.space();
            if !self.take_word(word) {
                break;
            }
            parts.push(part(self)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
    }

    fn term(&mut self) -> Result<Filter, FilterError> {
        self.space();
        if self.take('(') {
            return self.until(')');
        }
        if self.word().eq_ignore_ascii_case("not") {
            self.at += "not".len();
            self.space();
            if !self.take('(') {
                return Err(self.expected("an opening bracket"));
            }
            return Ok(Filter::Not(Box::new(self.until(')')?)));
        }
        let word = self.word();
        let path = AttributePath::parse(word);
        let path = path.ok_or_else(|| self.expected("the name of an attribute"))?;
        self.at += word.len();
        if !self.in_value && self.take('[') {
            self.in_value = true;
            let inner = self.until(']')?;
            self.in_value = false;
            let inner = if self.take('.') { self.of_value(inner)? } else { inner };
            return Ok(Filter::Has(path, Box::new(inner)));
        }
        self.comparison(path)
    }

    /// `emails[type eq "work"].value eq "a"`, as Entra ID writes `emails[type eq "work" and value
    /// eq "a"]`. The grammar has such paths only for PATCH (RFC 7644 figure 7).
    fn of_value(&mut self, inner: Filter) -> Result<Filter, FilterError> {
        let name = self.word();
        if !is_name(name) {
            return Err(self.expected("the name of an attribute"));
        }
        self.at += name.len();
        let path = AttributePath { schema: None, name: name.to_owned(), sub: None };
        let compared = self.comparison(path)?;
        Ok(match inner {
            Filter::And(mut parts) => {
                parts.push(compared);
                Filter::And(parts)
            }
            inner => Filter::And(vec![inner, compared]),
        })
    }

    /// What is between brackets, of which the first was taken.
    fn until(&mut self, closing: char) -> Result<Filter, FilterError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(FilterError::TooDeep);
        }
        let inner = self.any_of()?;
        self.space();
        if !self.take(closing) {
            return Err(self.expected("and, or, or a closing bracket"));
        }
        self.depth -= 1;
        Ok(inner)
    }

    fn comparison(&mut self, path: AttributePath) -> Result<Filter, FilterError> {
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(FilterError::TooManyTerms);
        }
        self.space();
        if self.take_word("pr") {
            return Ok(Filter::Present(path));
        }
        let word = self.word();
        let comparison = Comparison::parse(word);
        let comparison = comparison.ok_or_else(|| self.expected("an operator such as eq"))?;
        self.at += word.len();
        self.space();
        Ok(Filter::Compare(path, comparison, self.value()?))
    }

    /// A JSON text, number or literal.
    fn value(&mut self) -> Result<Value, FilterError> {
        let rest = self.rest();
        let end = if rest.starts_with('"') {
            let mut escaped = false;
            let closing = rest.char_indices().skip(1).find(|(_, char)| {
                let closes = *char == '"' && !escaped;
                escaped = *char == '\\' && !escaped;
                closes
            });
            closing.map(|(at, _)| at + 1)
        } else {
            Some(self.word().len())
        };
        let text = end.map(|end| &rest[..end]);
        let value: Option<Value> = text.and_then(|text| match text {
            word if !word.starts_with('"') => serde_json::from_str(&word.to_ascii_lowercase()).ok(),
            text => serde_json::from_str(text).ok(),
        });
        // The grammar has no objects and no lists.
        let value = value.filter(|value| !value.is_object() && !value.is_array());
        let (Some(end), Some(value)) = (end, value) else {
            return Err(self.expected("a text in quotes, a number, true, false or null"));
        };
        self.at += end;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        for text in [
            r#"userName eq "bjensen""#,
            r#"name.familyName co "O'Malley""#,
            r#"userName sw "J""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
            "title pr",
            r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
            r#"title pr and userType eq "Employee""#,
            r#"title pr or userType eq "Intern""#,
            r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
            r#"userType eq "Employee" and (emails co "example.com" or emails.value co "x.org")"#,
            r#"userType ne "Employee" and not (emails co "example.com")"#,
            r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
            r#"emails[type eq "work"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
        ] {
            assert_eq!(Filter::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn and_binds_more_than_or_and_words_are_read_in_any_case() {
        let written = r"a EQ 1 Or b pr AND NOT(c eq TRUE)";
        let canonical = r"a eq 1 or (b pr and not (c eq true))";
        assert_eq!(Filter::parse(written).unwrap().to_string(), canonical);
    }

    #[test]
    fn a_comparison_behind_brackets_is_one_within_them() {
        for (written, canonical) in [
            (r#"a[b eq "c"].d EQ "e""#, r#"a[b eq "c" and d eq "e"]"#),
            ("a[b pr and c pr].d pr or e pr", "a[b pr and c pr and d pr] or e pr"),
            ("not (a[b pr or c pr].d ne 1)", "not (a[(b pr or c pr) and d ne 1])"),
        ] {
            assert_eq!(Filter::parse(written).unwrap().to_string(), canonical);
        }
        let terms = format!("a[{}].b pr", vec!["b pr"; MOST_TERMS].join(" or "));
        assert_eq!(Filter::parse(&terms), Err(FilterError::TooManyTerms));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "",
            " ",
            "a",
            "a eq",
            "a eq b",
            "a eq \"",
            "a eq \"b",
            "a eq \"\\\"",
            "(a pr",
            "a pr)",
            "a pr and",
            "and a pr",
            "a pr b pr",
            "not a pr",
            "a[b pr",
            "a[b[c pr]]",
            "a[b pr].",
            "a[b pr]. c eq 1",
            "a[b pr].c",
            "a[b pr].c.d eq 1",
            "a[b pr].c[d pr]",
            "a[b pr]c eq 1",
            "a xx 1",
            "a eq [1]",
            "a eq {}",
            "é pr",
            "a\u{0} pr",
            "a\npr",
        ] {
            assert!(matches!(Filter::parse(text), Err(FilterError::Syntax { .. })), "{text:?}");
        }
        let open = |count: usize| format!("{}a pr{}", "(".repeat(count), ")".repeat(count));
        assert!(Filter::parse(&open(DEEPEST)).is_ok());
        assert_eq!(Filter::parse(&open(DEEPEST + 1)), Err(FilterError::TooDeep));
        assert_eq!(Filter::parse(&open(1000)), Err(FilterError::TooDeep));
        let terms = |count: usize| vec!["a pr"; count].join(" or ");
        assert!(Filter::parse(&terms(MOST_TERMS)).is_ok());
        assert_eq!(Filter::parse(&terms(MOST_TERMS + 1)), Err(FilterError::TooManyTerms));
        assert_eq!(Filter::parse(&"a".repeat(LONGEST + 1)), Err(FilterError::TooLong));
    }

    #[test]
    fn an_inner_filter_ends_at_its_bracket() {
        let (filter, end) = Filter::parse_within_brackets(r#"type eq "a]b"].value"#).unwrap();
        assert_eq!(filter.to_string(), r#"type eq "a]b""#);
        assert_eq!(end, 13);
    }

    fn path() -> impl Strategy<Value = AttributePath> {
        let name = "[a-z][a-zA-Z0-9_-]{0,5}x";
        let urn = proptest::option::of("urn:[a-z]{1,4}:[a-z]{1,4}:2\\.0:User");
        (urn, name, proptest::option::of(name)).prop_map(|(schema, name, sub)| AttributePath {
            schema,
            name,
            sub,
        })
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<String>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
        ]
    }

    fn term() -> impl Strategy<Value = Filter> {
        prop_oneof![
            path().prop_map(Filter::Present),
            (path(), 0..Comparison::ALL.len(), value()).prop_map(|(path, index, value)| {
                Filter::Compare(path, Comparison::ALL[index].0, value)
            }),
        ]
    }

    fn filter() -> impl Strategy<Value = Filter> {
        let inner = term().prop_recursive(2, 8, 3, |inner| {
            let parts = || proptest::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                parts().prop_map(Filter::And),
                parts().prop_map(Filter::Or),
                inner.prop_map(|inner| Filter::Not(Box::new(inner))),
            ]
        });
        prop_oneof![
            inner.clone(),
            (path(), inner).prop_map(|(path, inner)| Filter::Has(path, Box::new(inner))),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_as_it_was_meant(filter in filter()) {
            let written = filter.to_string();
            prop_assume!(written.len() <= LONGEST);
            prop_assert_eq!(Filter::parse(&written).unwrap(), filter);
        }

        #[test]
        fn no_text_makes_the_parser_stumble(text in "[ ()\\[\\]a-z\"\\\\.é]{0,60}|.{0,40}") {
            if let Ok(filter) = Filter::parse(&text) {
                prop_assert!(Filter::parse(&filter.to_string()).is_ok(), "{}", filter);
            }
            let _ = Filter::parse_within_brackets(&text);
        }
    }
}
