//! E-mail addresses as people type them.

use doorward_protocol::account::is_email_address;
use unicode_normalization::{UnicodeNormalization as _, is_nfkc};
use url::Host;

/// An e-mail address: a dot-atom, `@`, and a host name (RFC 5322 section 3.4.1; RFC 6531 for
/// letters beyond ASCII). Quoted local parts and comments are refused: nobody types them, and they
/// could smuggle in what a mail server reads as more than an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// The text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address")]
pub struct NoEmailAddress;

impl EmailAddress {
    /// Reads what somebody typed. Surrounding space is left out.
    pub fn parse(typed: &str) -> Result<Self, NoEmailAddress> {
        let text: String = typed.trim().nfc().collect();
        if is_nfkc(&text) && is_email_address(&text) { Ok(Self(text)) } else { Err(NoEmailAddress) }
    }

    /// An address that nobody has (RFC 2606 section 2), for what only looks like a mail.
    pub(crate) fn nobody() -> Self {
        Self("nobody@example.invalid".to_owned())
    }

    /// The address, to send mail to.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part behind the `@`, in lower case.
    pub fn domain(&self) -> String {
        self.0.rsplit_once('@').map_or_else(String::new, |(_, domain)| domain.to_lowercase())
    }

    /// The mailbox that the address most likely is of, to count mails by: many servers take
    /// `ada+anything`, and some `a.d.a`, for `ada`. Mail goes to the encoded form of a domain (RFC
    /// 5891), however it is written. Nobody is identified by it.
    pub fn mailbox(&self) -> String {
        let normalized = self.normalized();
        let Some((local, domain)) = normalized.rsplit_once('@') else { return normalized };
        let local = local.split('+').next().unwrap_or(local).replace('.', "");
        let domain =
            Host::parse(domain).map_or_else(|_| domain.to_owned(), |host| host.to_string());
        format!("{local}@{domain}")
    }

    /// The form in which addresses are compared and counted.
    pub fn normalized(&self) -> String {
        normalized_email(&self.0)
    }
}

/// The form in which e-mail addresses are compared: without surrounding space, in lower case, and
/// in Unicode's composed form (NFC). A mail server may tell upper case from lower case (RFC 5321
/// section 2.4), but none that people use does.
pub fn normalized_email(address: &str) -> String {
    address.trim().to_lowercase().nfc().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ways_to_write_one_mailbox_count_as_one() {
        let mailbox = |typed: &str| EmailAddress::parse(typed).unwrap().mailbox();
        for typed in ["Ada.Lovelace+news@Example.com", "adalovelace@example.com"] {
            assert_eq!(mailbox(typed), "adalovelace@example.com");
        }
        assert_ne!(mailbox("ada@example.com"), mailbox("ada@example.org"));
        assert_eq!(mailbox("ada@b\u{fc}cher.example"), mailbox("ada@xn--bcher-kva.example"));
    }

    #[test]
    fn addresses_that_people_have_are_read() {
        for typed in [
            "ada@example.com",
            " Ada.Lovelace+news@mail.example.co.uk ",
            "o'brien@example.com",
            "zo\u{eb}@b\u{fc}cher.example",
            "root@localhost",
        ] {
            let address = EmailAddress::parse(typed).unwrap();
            assert_eq!(address.as_str(), typed.trim());
        }
        let address = EmailAddress::parse("Ada@Example.COM").unwrap();
        assert_eq!(address.normalized(), "ada@example.com");
        assert_eq!(address.domain(), "example.com");
    }

    #[test]
    fn everything_else_is_refused() {
        let (long_local, long) =
            (format!("{}@a.example", "x".repeat(65)), format!("a@{}b.example", "x.".repeat(130)));
        for typed in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@@example.com",
            "ada@example.com, eve@example.com",
            "ada@example.com\r\nBcc: eve@example.com",
            "\"ada lovelace\"@example.com",
            "Ada <ada@example.com>",
            "ada..l@example.com",
            ".ada@example.com",
            "ada@-example.com",
            "ada@example..com",
            "ada@[192.0.2.1]",
            "eve%evil.example@example.com",
            "evil.example!eve@example.com",
            "|command@example.com",
            "-oQ@example.com",
            "ada\0@example.com",
            // Letters of full width and such: mail would go to example.com.
            "ada@\u{ff45}xample.com",
            "ada@example.\u{24d2}om",
            "\u{ff41}da@example.com",
            long_local.as_str(),
            long.as_str(),
        ] {
            assert_eq!(EmailAddress::parse(typed), Err(NoEmailAddress), "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn no_address_can_break_out_of_a_header(typed in ".{0,40}@.{0,40}") {
            if let Ok(address) = EmailAddress::parse(&typed) {
                let is_plain = |letter: char| {
                    !letter.is_control()
                        && !letter.is_whitespace()
                        && !"<>,;:\"()[]\\".contains(letter)
                };
                prop_assert!(address.as_str().chars().all(is_plain));
            }
        }
    }
}
