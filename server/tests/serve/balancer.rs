//! A load balancer as plain as can be: each connection goes to the next process in turn, or to the
//! other if that one is gone.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// A running balancer, ended when dropped.
pub struct Balancer {
    accepting: AbortHandle,
    given: Arc<[AtomicUsize; 2]>,
}

impl Balancer {
    /// Listens on one port of loopback and hands connections on to two others.
    pub async fn start(port: u16, targets: [u16; 2]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let given: Arc<[AtomicUsize; 2]> = Arc::default();
        let counted = Arc::clone(&given);
        let accepting = tokio::spawn(async move {
            for turn in 0.. {
                let Ok((mut outside, _)) = listener.accept().await else { return };
                let counted = Arc::clone(&counted);
                tokio::spawn(async move {
                    for index in [turn % 2, (turn + 1) % 2] {
                        if let Ok(mut inside) =
                            TcpStream::connect(("127.0.0.1", targets[index])).await
                        {
                            counted[index].fetch_add(1, Relaxed);
                            // Either side may end it, in the middle of an answer, too.
                            let _ = copy_bidirectional(&mut outside, &mut inside).await;
                            return;
                        }
                    }
                });
            }
        });
        Self { accepting: accepting.abort_handle(), given }
    }

    /// How many connections each process was given.
    pub fn given(&self) -> [usize; 2] {
        self.given.each_ref().map(|count| count.load(Relaxed))
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
