//! The look of one page: the provider's, or that of the client that waits for the sign-in.

use std::sync::Arc;

use doorward_protocol::{base64url, params::Params};
use doorward_provider::model::{
    branding::{
        Accent as _, Accents, ClientBranding, DarkAccent, FooterLinks, LightAccent, ShownName,
    },
    client::Client,
};
use sha2::{Digest as _, Sha256};

use super::{Branding, ChosenLook, USUAL_NAME};
use crate::{AppState, texts::texts_in};

/// How the name of a style sheet with accents begins.
const ACCENTS: &str = "accents-";
/// In its name in place of a colour that stays ours.
const OURS: &str = "ours";

/// The look of one page.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// At the top, and in the title.
    pub(crate) name: String,
    /// The path of the logo; `None`: our own mark.
    pub(crate) logo: Option<String>,
    /// The name of the style sheet with the accents.
    pub(crate) accents: Option<String>,
    /// Under the page.
    pub(crate) links: FooterLinks,
}

impl Look {
    /// The provider's look, and in place of its parts those of a client.
    pub(crate) fn of(branding: &Branding, client: Option<&ClientBranding>) -> Self {
        let ChosenLook { name, logo, accents, links } = branding.chosen_for(client);
        Self {
            name: name.map_or(USUAL_NAME, ShownName::as_str).to_owned(),
            logo: logo.map(super::Logo::path),
            accents: style_name(accents),
            links,
        }
    }
}

/// The name of the style sheet with these accents: it has the colours and a hash of what they make,
/// so that it is never another one.
fn style_name(accents: Accents) -> Option<String> {
    let css = accents.style_sheet()?;
    let hash = base64url::encode(&Sha256::digest(css)[..9]);
    let digits = |colour: Option<String>| {
        colour.map_or_else(|| OURS.to_owned(), |colour| colour.trim_start_matches('#').to_owned())
    };
    let light = digits(accents.light.map(|own| own.colour().to_string()));
    let dark = digits(accents.dark.map(|own| own.colour().to_string()));
    Some(format!("{ACCENTS}{light}-{dark}-{hash}.css"))
}

/// The style sheet of this name. It is made from the name, so every process of a provider can
/// serve the accents of every client. A name that no page has is refused: a colour that can't be
/// read, or the hash of something else.
pub(crate) fn style_sheet(name: &str) -> Option<String> {
    let mut parts = name.strip_prefix(ACCENTS)?.splitn(3, '-');
    let (light, dark) = (parts.next()?, parts.next()?);
    let light = (light != OURS).then(|| LightAccent::parse(&format!("#{light}")));
    let dark = (dark != OURS).then(|| DarkAccent::parse(&format!("#{dark}")));
    let accents = Accents { light: light.transpose().ok()?, dark: dark.transpose().ok()? };
    (style_name(accents)? == name).then(|| accents.style_sheet())?
}

impl AppState {
    /// The same state with the look of the client of a waiting authorization request, whose
    /// parameters are these.
    pub(crate) fn in_look_of_request(self, encoded: Option<&[u8]>) -> Self {
        let query = encoded.and_then(|encoded| std::str::from_utf8(encoded).ok());
        let params = query.and_then(|query| Params::parse_noting_repeats(query, &[]).ok());
        let client_id = params.as_ref().and_then(|(params, _)| params.get("client_id"));
        let client = client_id.and_then(|client_id| self.provider.clients().get(client_id));
        self.in_look_of(client.as_ref())
    }

    /// The same state with the look and the words of a client, if it has its own.
    pub(crate) fn in_look_of(self, client: Option<&Arc<Client>>) -> Self {
        let client = client.filter(|client| client.branding().is_some()).cloned();
        let state = Self { client, ..self };
        let texts = texts_in(state.texts.lang, state.languages()).unwrap_or(state.texts);
        Self { texts, ..state }
    }

    /// The look of the client that waits for the sign-in, if it has its own.
    pub(crate) fn client_branding(&self) -> Option<&ClientBranding> {
        self.client.as_deref().and_then(Client::branding)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_style_sheet_is_found_by_its_name_and_by_no_other() {
        let light = Some(LightAccent::parse("#7a1f5c").unwrap());
        let dark = Some(DarkAccent::parse("#e3a7cf").unwrap());
        for accents in
            [Accents { light, dark: None }, Accents { light, dark }, Accents { light: None, dark }]
        {
            let name = style_name(accents).unwrap();
            assert_eq!(style_sheet(&name), accents.style_sheet());
            let (first, _) = name.rsplit_once('-').unwrap();
            assert_eq!(style_sheet(&format!("{first}-AAAAAAAAAAAA.css")), None);
        }
        assert_eq!(style_name(Accents::default()), None);
        for name in ["accents-", "accents-ours-ours-x.css", "accents-}a{b-c-d.css", "other.css"] {
            assert_eq!(style_sheet(name), None, "{name}");
        }
    }
}
