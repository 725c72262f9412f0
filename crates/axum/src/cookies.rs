//! The cookies: the session, and what binds a sign-in to the browser that began it.
//!
//! By https they are `Secure` and have the prefix `__Host-`, so that no other host and no plain
//! connection can set them (RFC 6265bis section 4.1.3). On this machine, plain http is enough.

use http::{HeaderMap, HeaderValue, header::COOKIE};

/// The largest part of a value that is put into one cookie. Browsers take 4096 bytes with name and
/// attributes.
pub(crate) const LONGEST_PART: usize = 3800;
/// How many parts a value may have.
const MOST_PARTS: usize = 4;
/// The longest value, in bytes.
pub(crate) const LONGEST_VALUE: usize = LONGEST_PART * MOST_PARTS;

/// How much the posted responses on their way may have together, in bytes of names and values. One
/// is usually there for a moment only, and is short.
const MOST_OF_RESPONSES: usize = 2 * LONGEST_PART;

/// One of the cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie<'a> {
    Session,
    /// What the browser has of the sign-in request with this tag: the secret to which it is bound,
    /// or all of it where the application keeps nothing. Each request has a cookie of its own: tabs
    /// that begin at once know nothing of each other.
    Request(&'a str),
    /// The response with this random tag that the provider's page posted, on its way to the
    /// callback. Anybody can make a browser post one: with a name of its own it takes the place of
    /// no other.
    Response(&'a str),
}

/// The names and attributes of the cookies.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    /// That of the session cookie, which the others begin with.
    name: String,
    secure: bool,
}

impl Cookies {
    pub(crate) fn new(name: &str, secure: bool) -> Self {
        Self { name: name.to_owned(), secure }
    }

    /// The value of a cookie, put together from its parts. If there are several of a name, none is
    /// taken: someone may have planted one.
    ///
    /// A part that is not full is the last one. What stands behind it is of another value: the
    /// answer to a request that overlapped with this value's did not know that it is there.
    pub(crate) fn read(&self, headers: &HeaderMap, cookie: Cookie<'_>) -> Option<String> {
        let mut value = one(headers, &self.name(cookie, 0))?.to_owned();
        for part in 1..MOST_PARTS {
            if value.len() < part * LONGEST_PART {
                break;
            }
            match one(headers, &self.name(cookie, part)) {
                Some(more) => value.push_str(more),
                None => break,
            }
        }
        (!value.is_empty()).then_some(value)
    }

    /// Whether a request has the cookie at all, well-formed or not.
    pub(crate) fn is_sent(&self, headers: &HeaderMap, cookie: Cookie<'_>) -> bool {
        let name = self.name(cookie, 0);
        pairs(headers).any(|(own, _)| own == name)
    }

    /// `Set-Cookie` headers for a value. Parts of an earlier, longer value that the request has are
    /// removed. `None` if the value is too long for cookies.
    pub(crate) fn set(
        &self,
        headers: &HeaderMap,
        cookie: Cookie<'_>,
        value: &str,
        max_age: Option<u64>,
    ) -> Option<Vec<HeaderValue>> {
        let mut parts: Vec<&str> = value
            .as_bytes()
            .chunks(LONGEST_PART)
            .map(std::str::from_utf8)
            .collect::<Result<_, _>>()
            .ok()?;
        if parts.len() > MOST_PARTS {
            return None;
        }
        let ends_full = parts.last().is_some_and(|last| last.len() == LONGEST_PART);
        if ends_full && parts.len() < MOST_PARTS {
            // It says that nothing follows.
            parts.push("");
        }
        let mut set = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            set.push(self.header(cookie, index, part, max_age)?);
        }
        set.extend(self.removal(headers, cookie, parts.len()));
        Some(set)
    }

    /// `Set-Cookie` headers that remove a cookie with all its parts.
    pub(crate) fn remove(&self, headers: &HeaderMap, cookie: Cookie<'_>) -> Vec<HeaderValue> {
        self.removal(headers, cookie, 0).collect()
    }

    /// `Set-Cookie` headers that remove the oldest sign-ins that the browser began. So many stay:
    /// those of other tabs are among the newest.
    pub(crate) fn remove_old_requests(&self, headers: &HeaderMap, kept: usize) -> Vec<HeaderValue> {
        let tags = self.tags(headers, Cookie::Request(""));
        let old = &tags[..tags.len().saturating_sub(kept)];
        old.iter().flat_map(|(tag, _)| self.remove(headers, Cookie::Request(tag))).collect()
    }

    /// The same for posted responses, as far as they are too long together. The one with this tag
    /// stays.
    pub(crate) fn remove_surplus_responses(
        &self,
        headers: &HeaderMap,
        kept: &str,
    ) -> Vec<HeaderValue> {
        let mut together = 0;
        let mut removed = Vec::new();
        // The newest one first.
        for (tag, length) in self.tags(headers, Cookie::Response("")).into_iter().rev() {
            together += length;
            if tag != kept && together > MOST_OF_RESPONSES {
                removed.extend(self.remove(headers, Cookie::Response(tag)));
            }
        }
        removed
    }

    /// The tags of the cookies whose names begin like that of this one, with the length of name and
    /// value. Browsers send older cookies first (RFC 6265 section 5.4).
    fn tags<'a>(&self, headers: &'a HeaderMap, cookie: Cookie<'_>) -> Vec<(&'a str, usize)> {
        let prefix = self.name(cookie, 0);
        let tagged = pairs(headers).filter_map(|(name, value)| {
            let is_part = |tag: &&str| tag.contains('.');
            let tag = name.strip_prefix(&prefix).filter(|tag| !is_part(tag))?;
            Some((tag, name.len() + value.len()))
        });
        tagged.collect()
    }

    fn removal(
        &self,
        headers: &HeaderMap,
        cookie: Cookie<'_>,
        from: usize,
    ) -> impl Iterator<Item = HeaderValue> {
        (from..MOST_PARTS)
            .filter(move |part| {
                let name = self.name(cookie, *part);
                pairs(headers).any(|(own, _)| own == name)
            })
            .filter_map(move |part| self.header(cookie, part, "", Some(0)))
    }

    fn header(
        &self,
        cookie: Cookie<'_>,
        part: usize,
        value: &str,
        max_age: Option<u64>,
    ) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let name = self.name(cookie, part);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{max_age}");
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    fn name(&self, cookie: Cookie<'_>, part: usize) -> String {
        let (prefix, own) = (if self.secure { "__Host-" } else { "" }, &self.name);
        let name = match cookie {
            Cookie::Session => format!("{prefix}{own}"),
            Cookie::Request(tag) => format!("{prefix}{own}-signin-{tag}"),
            Cookie::Response(tag) => format!("{prefix}{own}-response-{tag}"),
        };
        if part == 0 { name } else { format!("{name}.{part}") }
    }
}

/// The value of the only cookie of this name.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = pairs(headers).filter(|(own, _)| *own == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// The pairs one by one, so that another cookie that is not text does not hide ours.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok()?.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    fn sent(header: &str) -> HeaderMap {
        [(COOKIE, header.parse().unwrap())].into_iter().collect()
    }

    fn texts(set: &[HeaderValue]) -> Vec<&str> {
        set.iter().map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn by_https_a_cookie_is_bound_to_the_host() {
        let cookies = Cookies::new("session", true);
        let set = cookies.set(&HeaderMap::new(), Cookie::Session, "abc", None).unwrap();
        assert_eq!(texts(&set), ["__Host-session=abc; Path=/; HttpOnly; SameSite=Lax; Secure"]);
        assert!(set[0].is_sensitive());
        let cookies = Cookies::new("session", false);
        let set = cookies.set(&HeaderMap::new(), Cookie::Request("x"), "a", Some(9));
        assert_eq!(
            texts(&set.unwrap()),
            ["session-signin-x=a; Path=/; HttpOnly; SameSite=Lax; Max-Age=9"]
        );
    }

    #[test]
    fn reads_the_only_value_and_nothing_else() {
        let cookies = Cookies::new("session", false);
        let read = |header: &str| cookies.read(&sent(header), Cookie::Session);
        assert_eq!(read("a=b; session=abc; c=d").as_deref(), Some("abc"));
        assert_eq!(read("xsession=abc"), None);
        assert_eq!(read("session=a; session=a"), None);
        assert_eq!(read("session="), None);
        assert!(cookies.is_sent(&sent("session=a; session=a"), Cookie::Session));
        assert_eq!(Cookies::new("session", true).read(&sent("session=abc"), Cookie::Session), None);
    }

    /// The names of the cookies that are removed.
    fn removed(set: &[HeaderValue]) -> Vec<&str> {
        texts(set).into_iter().map(|text| text.split('=').next().unwrap()).collect()
    }

    #[test]
    fn the_oldest_sign_ins_make_room() {
        let cookies = Cookies::new("session", true);
        let name = "__Host-session-signin";
        let many = sent(&format!("{name}-b=1; {name}-a=2; {name}-a.1=3; {name}-c=4; other-d=5"));
        assert_eq!(cookies.remove_old_requests(&many, 3), [""; 0]);
        let set = cookies.remove_old_requests(&many, 1);
        assert_eq!(
            removed(&set),
            [&*format!("{name}-b"), &format!("{name}-a"), &format!("{name}-a.1")]
        );
    }

    #[test]
    fn a_few_responses_are_on_their_way() {
        let cookies = Cookies::new("session", true);
        let name = "__Host-session-response";
        let tags = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let with = |value: &str| sent(&tags.map(|tag| format!("{name}-{tag}={value}")).join("; "));
        // Tabs that were opened together.
        assert_eq!(cookies.remove_surplus_responses(&with("state=s&code=c"), "b"), [""; 0]);
        // Another site posts what it likes.
        let set = cookies.remove_surplus_responses(&with(&"x".repeat(LONGEST_PART - 100)), "b");
        let others = ["f", "e", "d", "c", "a"].map(|tag| format!("{name}-{tag}"));
        assert_eq!(removed(&set), others);
    }

    #[test]
    fn a_long_value_has_parts_and_a_shorter_one_removes_them() {
        let cookies = Cookies::new("session", false);
        let long = "x".repeat(LONGEST_PART * 2 + 1);
        let set = cookies.set(&HeaderMap::new(), Cookie::Session, &long, None).unwrap();
        assert_eq!(set.len(), 3);
        let header = texts(&set)
            .iter()
            .map(|text| text.split(';').next().unwrap())
            .collect::<Vec<_>>()
            .join("; ");
        assert_eq!(cookies.read(&sent(&header), Cookie::Session), Some(long));
        let set = cookies.set(&sent(&header), Cookie::Session, "short", None).unwrap();
        assert_eq!(set.len(), 3);
        assert!(texts(&set)[1..].iter().all(|text| text.ends_with("Max-Age=0")));
        assert_eq!(cookies.remove(&sent(&header), Cookie::Session).len(), 3);
        let longest = "x".repeat(LONGEST_PART * MOST_PARTS + 1);
        assert!(cookies.set(&HeaderMap::new(), Cookie::Session, &longest, None).is_none());
    }

    /// The cookies of a browser after it kept these headers, one after the other.
    fn kept(set: &[HeaderValue]) -> HeaderMap {
        let mut jar = BTreeMap::new();
        for text in texts(set) {
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if text.ends_with("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name, value);
            }
        }
        let pairs: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        sent(&pairs.join("; "))
    }

    /// Each answer knows only the cookies that its request had.
    #[test]
    fn answers_that_overlap_leave_one_value() {
        let cookies = Cookies::new("session", false);
        let before = sent("session=old");
        let set = |letter: &str, length| {
            let value = letter.repeat(length);
            (cookies.set(&before, Cookie::Session, &value, None).unwrap(), value)
        };
        let lengths = (0..=MOST_PARTS)
            .flat_map(|parts| [parts * LONGEST_PART, parts * LONGEST_PART + 1])
            .filter(|length| (1..=LONGEST_VALUE).contains(length));
        for (first, second) in
            lengths.clone().flat_map(|one| lengths.clone().map(move |two| (one, two)))
        {
            let ((one, _), (two, value)) = (set("x", first), set("y", second));
            let both = kept(&[one, two].concat());
            let read = cookies.read(&both, Cookie::Session);
            assert!(read == Some(value), "{first} and {second} bytes");
        }
    }
}
