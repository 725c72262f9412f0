//! Names and values in `application/x-www-form-urlencoded` (URL Standard section 5), as RFC 6749 appendix B asks for.
//!
//! What is read may be no text; whoever reads it has to say what becomes of that.

/// Writes a name and its value behind those that are there.
pub fn append(encoded: &mut String, name: &str, value: &str) {
    if !encoded.is_empty() {
        encoded.push('&');
    }
    append_text(encoded, name);
    encoded.push('=');
    append_text(encoded, value);
}

/// Writes one text so that it can stand as a name or as a value.
pub fn append_text(encoded: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'*' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            _ => {
                encoded.push('%');
                for digit in [byte >> 4, byte & 15] {
                    encoded.push(char::from(if digit < 10 { b'0' + digit } else { b'A' - 10 + digit }));
                }
            }
        }
    }
}

/// Names and values in their order.
pub fn parse(encoded: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let pairs = encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let end = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = end.and_then(|end| pair.split_at_checked(end)).unwrap_or((pair, &[]));
        (plain(name), plain(value.strip_prefix(b"=").unwrap_or_default()))
    })
}

/// Undoes the escapes; what only looks like one stays.
fn plain(mut encoded: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let [byte, rest @ ..] = encoded {
        encoded = rest;
        let mut byte = if *byte == b'+' { b' ' } else { *byte };
        if let (b'%', [high, low, rest @ ..]) = (byte, rest)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            encoded = rest;
            byte = high << 4 | low;
        }
        bytes.push(byte);
    }
    bytes
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(encoded: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        parse(encoded.as_bytes()).collect()
    }

    fn pair(name: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
        (name.into(), value.into())
    }

    #[test]
    fn names_values_and_what_only_looks_like_an_escape() {
        assert_eq!(pairs("a=1&b&=c&&d=x=y"), [pair("a", "1"), pair("b", ""), pair("", "c"), pair("d", "x=y")]);
        assert_eq!(pairs("a%20b+c=%c3%A4%2B"), [pair("a b c", "ä+")]);
        assert_eq!(
            pairs("a=%&b=%4&c=%zz&d=%+1"),
            [pair("a", "%"), pair("b", "%4"), pair("c", "%zz"), pair("d", "% 1")]
        );
        assert_eq!(pairs("%FF=%C3"), [(vec![0xff], vec![0xc3])]);
    }

    /// RFC 6749 appendix B.
    #[test]
    fn the_rfc_example_holds() {
        let mut encoded = String::new();
        append_text(&mut encoded, " %&+£€");
        assert_eq!(encoded, "+%25%26%2B%C2%A3%E2%82%AC");
    }

    proptest! {
        #[test]
        fn it_reads_as_the_crate_does(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[a-f%&=+0-9ä]{0,40}") {
            for encoded in [bytes.as_slice(), text.as_bytes()] {
                let theirs: Vec<_> = form_urlencoded::parse(encoded).into_owned().collect();
                let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
                let ours: Vec<_> = parse(encoded).map(|(name, value)| (text(name), text(value))).collect();
                prop_assert_eq!(ours, theirs);
            }
        }

        #[test]
        fn it_writes_as_the_crate_does(pairs in proptest::collection::vec(("\\PC{0,8}", "\\PC{0,20}"), 0..4)) {
            let mut encoded = String::new();
            for (name, value) in &pairs {
                append(&mut encoded, name, value);
            }
            let theirs = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            prop_assert_eq!(encoded, theirs);
        }
    }
}
