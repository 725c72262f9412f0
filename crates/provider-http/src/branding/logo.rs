//! Logos: pictures that were checked, and the response that serves one.

use std::fmt;

use axum::{
    body::Bytes,
    http::header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS,
    },
    response::{IntoResponse, Response},
};
use doorward_protocol::base64url;
use sha2::{Digest as _, Sha256};

/// The largest logo, in bytes. It is on every page.
pub const LONGEST_LOGO: usize = 256 * 1024;
/// How a logo's path begins.
const PATH: &str = "/assets/logo-";
/// A picture needs nothing. Whoever opens it by itself gets an origin that is nobody's.
const LOGO_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// A picture of a kind that browsers show and that runs nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    format: Format,
    content: Bytes,
    hash: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Png,
    Jpeg,
    Webp,
}

/// A file can't be a logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLogo {
    /// It is too large.
    #[error("it has {0} bytes, and a logo is on every page: give at most {LONGEST_LOGO} (256 KiB)")]
    TooLarge(usize),
    /// It is no such picture.
    #[error("it is not a PNG, JPEG or WebP picture, or it is not whole")]
    NotAPicture,
    /// Its name says another format.
    #[error("it is a {is} picture, and its name says otherwise: call it *.{is}")]
    OtherEnding {
        /// The ending that it should have.
        is: &'static str,
    },
}

impl Logo {
    /// Checks the content of a file of this name. Only the outer form is read: the first and the
    /// last bytes of its format. So nothing can follow the picture in the same file.
    pub fn check(name: &str, content: Vec<u8>) -> Result<Self, NoLogo> {
        if content.len() > LONGEST_LOGO {
            return Err(NoLogo::TooLarge(content.len()));
        }
        let format = Format::of(&content).ok_or(NoLogo::NotAPicture)?;
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        let ending = if ending == "jpeg" { "jpg" } else { &ending };
        if ending != format.ending() {
            return Err(NoLogo::OtherEnding { is: format.ending() });
        }
        let hash = base64url::encode(&Sha256::digest(&content)[..9]);
        Ok(Self { format, content: content.into(), hash })
    }

    /// Where it is served, below the issuer. Another picture has another path.
    pub fn path(&self) -> String {
        format!("{PATH}{}.{}", self.hash, self.format.ending())
    }

    /// The picture itself.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    pub(crate) fn response(&self) -> Response {
        let headers: [(HeaderName, &str); 4] = [
            (CONTENT_TYPE, self.format.media_type()),
            (CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CONTENT_SECURITY_POLICY, LOGO_POLICY),
        ];
        (headers, self.content.clone()).into_response()
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Logo").field("path", &self.path()).finish_non_exhaustive()
    }
}

impl Format {
    /// The format of a whole picture.
    fn of(content: &[u8]) -> Option<Self> {
        let is_png = content.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
            && content.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82");
        let is_jpeg = content.starts_with(b"\xff\xd8\xff") && content.ends_with(b"\xff\xd9");
        let is_webp = || {
            let (riff, rest) = content.split_first_chunk::<4>()?;
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let is_whole = length == rest.len();
            Some(riff == b"RIFF" && is_whole && rest.starts_with(b"WEBPVP8"))
        };
        if is_png {
            Some(Self::Png)
        } else if is_jpeg {
            Some(Self::Jpeg)
        } else {
            is_webp().unwrap_or(false).then_some(Self::Webp)
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn png() -> Vec<u8> {
        let mut content = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01".to_vec();
        content.extend(b"\0\0\0\0IEND\xae\x42\x60\x82");
        content
    }

    #[test]
    fn a_picture_is_known_by_its_content_and_is_called_so() {
        let logo = Logo::check("a.png", png()).unwrap();
        let path = logo.path();
        let ending = std::path::Path::new(&path).extension();
        assert!(path.starts_with("/assets/logo-") && ending.is_some_and(|it| it == "png"));
        let refused = |name: &str, content: &[u8]| Logo::check(name, content.to_vec()).unwrap_err();
        assert_eq!(refused("a.jpg", &png()), NoLogo::OtherEnding { is: "png" });
        Logo::check("a.JPEG", b"\xff\xd8\xff\xe0..\xff\xd9".to_vec()).unwrap();
        Logo::check("a.webp", b"RIFF\x08\0\0\0WEBPVP8 ".to_vec()).unwrap();
        let script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>";
        for bad in [&b""[..], script, b"GIF89a", b"\xff\xd8\xff\xe0", b"RIFF\x09\0\0\0WEBPVP8 "] {
            assert_eq!(refused("a.png", bad), NoLogo::NotAPicture);
        }
        let mut with_more = png();
        with_more.extend(b"<script>");
        assert_eq!(refused("a.png", &with_more), NoLogo::NotAPicture);
        assert_eq!(
            refused("a.png", &vec![0; LONGEST_LOGO + 1]),
            NoLogo::TooLarge(LONGEST_LOGO + 1)
        );
    }
}
