//! A compact implementation of base64url.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Encodes bytes.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

/// Decodes; `None` if the text is anything but what [`encode`] writes.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // Bits that were read and are not written yet are the lowest of these.
    let (mut bits, mut unwritten) = (0_u32, 0);
    for letter in text {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        unwritten += 6;
        if unwritten >= 8 {
            unwritten -= 8;
            bytes.push((bits >> unwritten & 0xff) as u8);
        }
    }
    // A letter alone is not a byte, and what fills up the last letter is nought.
    (unwritten < 6 && bits & ((1 << unwritten) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn single_letters_and_loose_bits_are_refused() {
        for text in ["A", "AAAAA", "AB", "AAB", "AA=", "AA==", "A A", "+/", "AA\n", "ä"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
        assert_eq!(decode(b""), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn it_encodes_and_decodes_as_the_crate_does(
            bytes in proptest::collection::vec(any::<u8>(), 0..70),
            text in "[A-Za-z0-9_=+/-]{0,12}"
        ) {
            let encoded = encode(&bytes);
            prop_assert_eq!(&encoded, &URL_SAFE_NO_PAD.encode(&bytes));
            prop_assert_eq!(decode(encoded.as_bytes()), Some(bytes));
            prop_assert_eq!(decode(text.as_bytes()), URL_SAFE_NO_PAD.decode(&text).ok());
        }
    }
}
