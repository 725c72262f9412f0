//! Whose fault it is that a mail server does not take a message: so no mail is given up for a wrong
//! setting, and nobody can raise an alarm by a wrong address.

use super::smtp::Step;

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The message's or its address's, for good.
    Message,
    /// The recipient's, who may take it later.
    Recipient,
    /// The mail server's, or that of our settings: no other message would be taken either.
    Server,
}

/// Whose fault a refusal is, by its step, its code (RFC 5321 section 4.2.3) and its words. They may
/// begin with an enhanced code (RFC 3463).
///
/// Servers often keep what they have against the sender until the recipient is named. So the
/// enhanced code decides there, if there is one. Without one nobody knows what is refused, so the
/// message is tried again until it expires, and there is no alarm.
pub fn blame(step: Step, code: u16, words: &str) -> Blame {
    let is_final = code >= 500;
    let of_recipient = match (step, enhanced(words)) {
        // The address, but for the sender's (7 and 8), and the mailbox.
        (Step::Recipient | Step::Send, Some((1, detail))) => !matches!(detail, 7 | 8),
        (Step::Recipient | Step::Send, Some((2, _)))
        // The way to the address, and characters in it.
        | (Step::Recipient, Some((4 | 6, _))) => true,
        // Policies that say "later" are grey lists; those that say "no" are about us.
        (Step::Recipient, Some((7, _))) => !is_final && code != 421,
        (Step::Recipient, None) => matches!(code, 450..=452 | 501 | 550..=553 | 556),
        _ => false,
    };
    match (of_recipient, is_final && enhanced(words).is_some()) {
        (true, true) => Blame::Message,
        (true, false) => Blame::Recipient,
        (false, _) => Blame::Server,
    }
}

/// Subject and detail of an enhanced code, as 1 and 1 of `5.1.1`: at the beginning, or at the end
/// as qmail writes it, `(#5.1.1)`.
fn enhanced(words: &str) -> Option<(u16, u16)> {
    let last = words.split_whitespace().last()?;
    let at_end = last.strip_prefix("(#").and_then(|rest| rest.strip_suffix(')'));
    let mut parts = at_end.or_else(|| words.split_whitespace().next())?.split('.');
    let class = parts.next().filter(|class| matches!(*class, "4" | "5"));
    let mut number = || parts.next()?.parse::<u16>().ok();
    let (subject, detail) = (number()?, number()?);
    (class.is_some() && parts.next().is_none()).then_some((subject, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_recipient_is_the_mails_own() {
        use Blame::{Message, Recipient, Server};
        use Step::{Recipient as To, Send, Sender, SignIn};
        for (step, code, words, expected) in [
            (SignIn, 535, "5.7.8 wrong password", Server),
            (Sender, 550, "sender not allowed", Server),
            (Sender, 530, "5.7.0 authentication required", Server),
            (Sender, 553, "5.1.8 no such domain", Server),
            (Sender, 451, "4.3.0 later", Server),
            (To, 550, "5.1.1 nobody has this address", Message),
            (To, 550, "no such user here", Recipient),
            (To, 550, "relay not permitted", Recipient),
            (To, 553, "not in my list of allowed hosts (#5.7.1)", Server),
            (To, 550, "no mailbox here by that name (#5.1.1)", Message),
            (To, 552, "5.2.2 the mailbox is full", Message),
            (To, 550, "5.4.1 recipient address rejected", Message),
            (To, 553, "5.6.7 not beyond ASCII", Message),
            (To, 530, "authentication required", Server),
            (To, 530, "5.7.0 authentication required", Server),
            (To, 554, "5.7.1 relay access denied", Server),
            (To, 554, "relay access denied", Server),
            (To, 553, "5.7.1 the sender is not yours", Server),
            (To, 550, "5.1.8 the sender has no domain", Server),
            (To, 503, "5.5.1 MAIL first", Server),
            (To, 450, "come back", Recipient),
            (To, 451, "4.7.1 grey list", Recipient),
            (To, 452, "4.2.2 the mailbox is full", Recipient),
            (To, 452, "4.3.1 no room", Server),
            (To, 421, "closing", Server),
            (To, 421, "4.7.0 too many connections", Server),
            (Send, 550, "5.1.1 nobody has this address", Message),
            (Send, 552, "5.2.2 the mailbox is full", Message),
            (Send, 554, "5.6.0 no such text", Server),
            (Send, 550, "no", Server),
            (Send, 552, "5.3.4 too large", Server),
            (Send, 451, "4.3.0 later", Server),
        ] {
            assert_eq!(blame(step, code, words), expected, "{step:?} {code} {words}");
        }
    }

    #[test]
    fn an_enhanced_code_comes_first_and_is_whole() {
        assert_eq!(enhanced("5.1.10 null MX"), Some((1, 10)));
        for words in ["", "no", "5.1", "5.1.1.1", "2.1.1", "5.1.x", "5.1.1: no", "see 5.1.1"] {
            assert_eq!(enhanced(words), None, "{words:?}");
        }
    }
}
