//! What stands between a directory's server and `ldap3`, which takes messages of any length and any
//! depth, and is in trouble with those that are none: only whole, small LDAP messages go through
//! (RFC 4511 section 5.1). Whatever else a server sends ends the connection.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, split};

/// The longest message, in bytes. No photographs are asked for.
const LONGEST_MESSAGE: usize = 1024 * 1024;
/// How many bytes may come in answer to one request.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// How deep the parts of a message are nested. An entry needs five levels.
const DEEPEST: usize = 16;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const CONSTRUCTED: u8 = 0x20;
/// Tag numbers from here on take more bytes. LDAP has none.
const LONG_TAG: u8 = 0x1f;

/// Why a message is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadMessage {
    #[error("the server sends a message of more than {LONGEST_MESSAGE} bytes")]
    TooLong,
    #[error("the server answers with more than {LONGEST_ANSWER} bytes")]
    TooMuch,
    #[error("the server sends a message that is nested too deeply")]
    TooDeep,
    #[error("the server sends what is not an LDAP message")]
    Malformed,
}

impl BadMessage {
    /// Whether the server speaks LDAP, and what it was asked for is too large. Another server would
    /// answer the same.
    pub(crate) fn is_too_large(error: &io::Error) -> bool {
        let own = error.get_ref().and_then(|error| error.downcast_ref::<Self>());
        matches!(own, Some(Self::TooLong | Self::TooMuch | Self::TooDeep))
    }
}

impl From<BadMessage> for io::Error {
    fn from(error: BadMessage) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Passes on what one side sends to the other, until one of them ends, or the server sends what is
/// no message. `tell` hears why it has ended, before the client sees it.
pub(crate) async fn relay(
    server: impl AsyncRead + AsyncWrite,
    client: impl AsyncRead + AsyncWrite,
    tell: impl FnOnce(&io::Result<()>),
) -> io::Result<()> {
    let (from_server, mut to_server) = split(server);
    let mut from_server = BufReader::new(from_server);
    let (mut from_client, mut to_client) = split(client);
    let asked = AtomicUsize::new(0);
    let requests = async {
        let mut buffer = vec![0; 8 * 1024];
        loop {
            let length = from_client.read(&mut buffer).await?;
            if length == 0 {
                return to_server.shutdown().await;
            }
            asked.fetch_add(1, Relaxed);
            to_server.write_all(&buffer[..length]).await?;
            to_server.flush().await?;
        }
    };
    let answers = async {
        let (mut last, mut length) = (0, 0);
        while let Some(message) = read_message(&mut from_server).await? {
            let now = asked.load(Relaxed);
            length = if now == last { length } else { 0 } + message.len();
            last = now;
            if length > LONGEST_ANSWER {
                return Err(BadMessage::TooMuch.into());
            }
            to_client.write_all(&message).await?;
        }
        Ok(())
    };
    let ended = tokio::select! {
        ended = requests => ended,
        ended = answers => ended,
    };
    tell(&ended);
    ended
}

/// Reads a message; `None` at the end.
pub(crate) async fn read_message(
    source: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<Vec<u8>>> {
    let mut message = vec![0; 2];
    if source.read(&mut message[..1]).await? == 0 {
        return Ok(None);
    }
    source.read_exact(&mut message[1..]).await?;
    if message[0] != SEQUENCE {
        return Err(BadMessage::Malformed.into());
    }
    let more = match message[1] {
        short @ 0..=0x7f => usize::from(short),
        bytes @ 0x81..=0x84 => {
            let start = message.len();
            message.resize(start + usize::from(bytes - 0x80), 0);
            source.read_exact(&mut message[start..]).await?;
            message[start..].iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        }
        _ => return Err(BadMessage::Malformed.into()),
    };
    if more > LONGEST_MESSAGE {
        return Err(BadMessage::TooLong.into());
    }
    let start = message.len();
    // The memory grows with what has come, and not with what was announced.
    let read = source.take(more as u64).read_to_end(&mut message).await?;
    if read < more {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    check(&message[start..])?;
    Ok(Some(message))
}

/// Checks the content of a message: its number, an operation, and perhaps controls; each part ends
/// within the one around it.
fn check(content: &[u8]) -> Result<(), BadMessage> {
    let mut ends = vec![content.len()];
    let (mut position, mut parts) = (0, 0);
    while let Some(end) = ends.last().copied() {
        if position == end {
            ends.pop();
            continue;
        }
        let (tag, length, start) = header(content, position)?;
        let part_end = start.checked_add(length).filter(|own| *own <= end);
        let part_end = part_end.ok_or(BadMessage::Malformed)?;
        if ends.len() == 1 {
            let is_number = tag == INTEGER && (1..=4).contains(&length);
            parts += 1;
            if (parts == 1) != is_number || parts > 3 {
                return Err(BadMessage::Malformed);
            }
        }
        if tag & CONSTRUCTED == 0 {
            position = part_end;
            continue;
        }
        if ends.len() >= DEEPEST {
            return Err(BadMessage::TooDeep);
        }
        position = start;
        ends.push(part_end);
    }
    if parts >= 2 { Ok(()) } else { Err(BadMessage::Malformed) }
}

/// The tag and the length of the part at this position, and where its content begins.
fn header(content: &[u8], position: usize) -> Result<(u8, usize, usize), BadMessage> {
    let byte = |at: usize| content.get(at).copied().ok_or(BadMessage::Malformed);
    let tag = byte(position)?;
    if tag & LONG_TAG == LONG_TAG {
        return Err(BadMessage::Malformed);
    }
    match byte(position + 1)? {
        short @ 0..=0x7f => Ok((tag, usize::from(short), position + 2)),
        bytes @ 0x81..=0x84 => {
            let start = position + 2 + usize::from(bytes - 0x80);
            let length = content.get(position + 2..start).ok_or(BadMessage::Malformed)?;
            let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            Ok((tag, length, start))
        }
        _ => Err(BadMessage::Malformed),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// A part with this tag.
    fn part(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], &length[..], content].concat()
    }

    fn message(operation: &[u8]) -> Vec<u8> {
        part(SEQUENCE, &[&[INTEGER, 1, 1], operation].concat())
    }

    async fn read(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
        read_message(&mut bytes).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_message_goes_through_as_it_is() {
        let success = part(0x61, &[0x0a, 1, 0, 4, 0, 4, 0]);
        for whole in [message(&success), vec![0x30, 7, 2, 1, 1, 0x65, 2, 4, 0]] {
            assert_eq!(read(&whole).await, Ok(Some(whole.clone())));
            for cut in 1..whole.len() {
                assert!(read(&whole[..cut]).await.is_err(), "{cut}");
            }
        }
        assert_eq!(read(&[]).await, Ok(None));
    }

    #[tokio::test]
    async fn what_is_no_message_does_not() {
        let nested = (0..5000).fold(vec![4, 0], |inner, _| part(SEQUENCE, &inner));
        for (bytes, problem) in [
            (message(&nested), "nested too deeply"),
            (vec![0x30, 0x84, 0x7f, 255, 255, 255, 2], "more than 1048576 bytes"),
            (vec![0x30, 0x80, 2, 1, 1, 0, 0], "not an LDAP message"),
            (vec![0x30, 0x88, 0, 0, 0, 0, 0, 0, 0, 1, 0], "not an LDAP message"),
            (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), "not an LDAP message"),
            (part(SEQUENCE, &[]), "not an LDAP message"),
            (part(SEQUENCE, &[INTEGER, 1, 1]), "not an LDAP message"),
            (part(SEQUENCE, &[4, 0, 4, 0]), "not an LDAP message"),
            (part(SEQUENCE, &[INTEGER, 1, 1, 0x65, 9, 4, 0]), "not an LDAP message"),
            (part(SEQUENCE, &[INTEGER, 1, 1, 0x7f, 0x81, 1, 0]), "not an LDAP message"),
        ] {
            let told = read(&bytes).await.unwrap_err();
            assert!(told.contains(problem), "{told}");
        }
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut_off() {
        let (server, mut far) = tokio::io::duplex(64 * 1024);
        let (client, mut near) = tokio::io::duplex(64 * 1024);
        let relay = tokio::spawn(relay(server, client, |_| ()));
        let entry = message(&part(0x64, &part(4, &vec![b'x'; 900_000])));
        let flood = tokio::spawn(async move { while far.write_all(&entry).await.is_ok() {} });
        let mut sink = tokio::io::sink();
        let passed = tokio::io::copy(&mut near, &mut sink).await.unwrap();
        assert!(passed <= LONGEST_ANSWER as u64, "{passed}");
        let ended = relay.await.unwrap().unwrap_err().to_string();
        assert!(ended.contains("answers with more than"), "{ended}");
        flood.await.unwrap();
    }

    proptest! {
        #[test]
        fn nothing_is_too_much_for_it(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(read(&bytes));
            let _ = check(&bytes);
            // What goes through is read by ldap3's parser to its end.
            if check(&bytes).is_ok() {
                let whole = part(SEQUENCE, &bytes);
                let parsed = ldap3::asn1::parse_tag(&whole);
                prop_assert!(parsed.is_ok_and(|(rest, _)| rest.is_empty()));
            }
        }
    }
}
