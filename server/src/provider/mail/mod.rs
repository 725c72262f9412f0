//! The provider's letters: written by our templates or an operator's, then sent by SMTP, or kept to
//! be shown in demo mode.

mod refusal;
mod smtp;
#[cfg(test)]
#[allow(dead_code, clippy::unwrap_used)]
mod test_server;

use std::sync::Arc;

use async_trait::async_trait;
use doorward_mail::{Brand, DemoMailbox, Message, RenderError, Templates};
use doorward_provider::{
    model::{
        branding::{ClientBranding, FooterLink},
        outbox::OutboxMail,
        time::{Clock as _, SystemClock, Timestamp},
    },
    use_case::mail_delivery::{MailChannel, MailError},
};
use doorward_provider_http::{ChosenLook, SharedBranding};
use time::OffsetDateTime;
use url::Url;

use crate::config::MailConfig;

use self::refusal::Blame;
pub use self::smtp::{SmtpSender, Step};

/// Writes letters and sends them, or keeps them.
pub struct Mailer {
    templates: Arc<Templates>,
    branding: SharedBranding,
    /// The provider, at which logo and links are.
    issuer: String,
    /// Our host name, by which messages call us.
    site: String,
    way: Way,
}

enum Way {
    Smtp(SmtpSender),
    /// Demo mode.
    Kept(Arc<DemoMailbox>),
}

impl Mailer {
    /// For the provider of this issuer. `trusted` are certification authorities (DER) beside the
    /// machine's.
    pub fn new(
        config: &MailConfig,
        branding: SharedBranding,
        issuer: &str,
        trusted: &[Vec<u8>],
    ) -> Self {
        let site = site(issuer);
        let way = match &config.server {
            Some(server) => Way::Smtp(SmtpSender {
                server: server.clone(),
                hello: site.clone(),
                trusted: trusted.to_vec(),
            }),
            None => Way::Kept(Arc::default()),
        };
        let (templates, issuer) = (Arc::clone(&config.templates), issuer.to_owned());
        Self { templates, branding, issuer, site, way }
    }

    /// Where messages are kept instead of being sent.
    pub fn mailbox(&self) -> Option<Arc<DemoMailbox>> {
        match &self.way {
            Way::Smtp(_) => None,
            Way::Kept(mailbox) => Some(Arc::clone(mailbox)),
        }
    }

    fn write(
        &self,
        mail: &OutboxMail,
        look: Option<&ClientBranding>,
    ) -> Result<Message, RenderError> {
        let mut data = mail.data.clone();
        data.insert("site".to_owned(), self.site.clone().into());
        data.insert("at".to_owned(), to_the_minute(mail.created_at).into());
        let brand = brand(&self.branding.current().chosen_for(look), &self.issuer);
        self.templates.render(mail.kind.as_str(), &mail.language, &data, &brand)
    }
}

#[async_trait]
impl MailChannel for Mailer {
    async fn send(
        &self,
        mail: &OutboxMail,
        look: Option<&ClientBranding>,
    ) -> Result<(), MailError> {
        // Templates were tried out at the start, so what fails now is this message's data.
        let message =
            self.write(mail, look).map_err(|error| MailError::Refused(error.to_string()))?;
        match &self.way {
            Way::Kept(mailbox) => {
                mailbox.keep(&mail.to, SystemClock.now().seconds(), message);
                Ok(())
            }
            Way::Smtp(sender) => {
                sender.send(&mail.to, &mail.id, &message, |_, _| ()).await.map_err(|error| {
                    let text = error.to_string();
                    match error.blame {
                        Blame::Message => MailError::Refused(text),
                        Blame::Recipient => MailError::Deferred(text),
                        Blame::Server => MailError::Failed(text),
                    }
                })
            }
        }
    }
}

/// A time as messages tell it: we don't know the time zone of the reader.
fn to_the_minute(at: Timestamp) -> String {
    // No clock gives a timestamp outside the calendar.
    let at = OffsetDateTime::from_unix_timestamp(at.seconds());
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute())
}

/// What messages show of whoever sends them. `issuer` is the provider's.
pub fn brand(look: &ChosenLook<'_>, issuer: &str) -> Brand {
    let link = |link: &Option<FooterLink>| link.as_ref().map(|link| link.absolute(issuer));
    Brand {
        name: look.name.map(|name| name.as_str().to_owned()),
        logo: look.logo_url(issuer),
        button: look.accents.button().map(|(button, ink)| [button, ink].map(|own| own.to_string())),
        imprint: link(&look.links.imprint),
        privacy: link(&look.links.privacy),
        help: link(&look.links.help),
    }
}

/// The host name of an issuer, by which messages call us.
pub fn site(issuer: &str) -> String {
    let url = Url::parse(issuer).ok();
    url.as_ref().and_then(Url::host_str).unwrap_or("localhost").to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_mail::MESSAGE_KINDS;
    use doorward_provider::model::outbox::MailKind;
    use serde_json::{Map, json};

    use super::*;

    fn mailer() -> Mailer {
        let templates = Arc::new(Templates::new([]).unwrap());
        let config = MailConfig { templates, server: None };
        Mailer::new(&config, SharedBranding::default(), "https://op.example/path", &[])
    }

    fn mail(kind: MailKind, language: &str) -> OutboxMail {
        let link = "https://op.example/path/account/verify-email?ticket=abc";
        OutboxMail {
            id: "1".to_owned(),
            to: "zoe@example.com".to_owned(),
            kind,
            language: language.to_owned(),
            data: Map::from_iter([("link".to_owned(), link.into())]),
            sub: None,
            client_id: None,
            created_at: Timestamp::from_seconds(0),
            expires_at: Timestamp::from_seconds(3600),
        }
    }

    #[tokio::test]
    async fn every_kind_of_mail_has_a_letter_and_is_kept_in_demo_mode() {
        let mailer = mailer();
        for kind in MailKind::ALL {
            assert!(MESSAGE_KINDS.iter().any(|letter| letter.name == kind.as_str()), "{kind:?}");
            mailer.send(&mail(kind, "de"), None).await.unwrap();
        }
        let kept = mailer.mailbox().unwrap().messages();
        assert_eq!(kept.len(), MailKind::ALL.len());
        assert_eq!(kept[0].to, "zoe@example.com");
        let verify = mailer.write(&mail(MailKind::VerifyEmail, "de"), None).unwrap();
        assert!(verify.text.contains("ticket=abc\n"), "{}", verify.text);
        assert!(verify.text.contains("bei op.example angegeben"), "{}", verify.text);
        let changed = OutboxMail {
            created_at: Timestamp::from_seconds(1_800_000_059),
            ..mail(MailKind::PasswordChanged, "en")
        };
        let changed = mailer.write(&changed, None).unwrap();
        assert!(changed.text.contains("\nTime: 2027-01-15 08:00 UTC"), "{}", changed.text);
    }

    #[test]
    fn a_letter_has_the_look_of_the_client_whose_sign_in_it_belongs_to() {
        let (mailer, letter) = (mailer(), mail(MailKind::ResetPassword, "en"));
        let look = json!({
            "name": "The Shop", "accent": "#123c8c", "imprint": "https://shop.example/imprint",
            "help": "/help",
        });
        let look: ClientBranding = serde_json::from_value(look).unwrap();
        let html = |look| mailer.write(&letter, look).unwrap().html.replace("&#x2f;", "/");
        let own = html(Some(&look));
        for part in
            ["The Shop", "#123c8c", "https://shop.example/imprint", "https://op.example/help"]
        {
            assert!(own.contains(part), "{part}: {own}");
        }
        let ours = html(None);
        assert!(!ours.contains("The Shop") && !ours.contains("imprint"), "{ours}");
    }
}
