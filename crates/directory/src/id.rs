//! What names an entry for ever, as a text and in filters.

use std::fmt::Write as _;

use doorward_provider::{
    model::external_identity::ExternalSubject, use_case::directory::DirectoryError,
};

use crate::{
    entry::Entry,
    settings::IdAttribute,
    template::{equals, equals_bytes},
};

/// What names the entry for ever.
pub(crate) fn subject(id: &IdAttribute, entry: &Entry) -> Result<ExternalSubject, DirectoryError> {
    let text = match id {
        IdAttribute::ObjectGuid => entry.values(id.name()).first().and_then(|own| guid(own)),
        IdAttribute::Text(name) => match entry.texts(name).as_slice() {
            [only] => Some((*only).to_owned()),
            _ => None,
        },
    };
    let subject = text.and_then(|text| ExternalSubject::parse(&text).ok());
    subject.ok_or_else(|| {
        let name = id.name();
        let text = format!("the entry has no {name}, or the account may not read it");
        DirectoryError::NotAccepted(text)
    })
}

/// The filter for the entry with this name; `None` if none can have it.
pub(crate) fn filter(id: &IdAttribute, subject: &ExternalSubject) -> Option<String> {
    match id {
        IdAttribute::ObjectGuid => Some(equals_bytes(id.name(), &guid_bytes(subject)?)),
        IdAttribute::Text(name) => Some(equals(name, subject)),
    }
}

/// The usual text of an `objectGUID`: the first three parts are sent with the lowest byte first
/// (MS-DTYP section 2.3.4.2).
fn guid(bytes: &[u8]) -> Option<String> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    let mut text = String::with_capacity(36);
    for (index, at) in GUID_ORDER.into_iter().enumerate() {
        if [4, 6, 8, 10].contains(&index) {
            text.push('-');
        }
        let _ = write!(text, "{:02x}", bytes[at]);
    }
    Some(text)
}

/// The bytes of the text of an `objectGUID`.
fn guid_bytes(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 16];
    for (index, at) in GUID_ORDER.into_iter().enumerate() {
        bytes[at] = u8::from_str_radix(&digits[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

const GUID_ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_object_guid_has_its_usual_text() {
        let bytes: Vec<u8> = (0..16).collect();
        let text = guid(&bytes).unwrap();
        assert_eq!(text, "03020100-0504-0706-0809-0a0b0c0d0e0f");
        assert_eq!(guid_bytes(&text).unwrap().to_vec(), bytes);
        assert_eq!(guid(&bytes[1..]), None);
        for wrong in ["", "03020100", "zz020100-0504-0706-0809-0a0b0c0d0e0f"] {
            assert_eq!(guid_bytes(wrong), None, "{wrong}");
        }
    }
}
