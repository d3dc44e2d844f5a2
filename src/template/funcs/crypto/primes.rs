//! The two primes of an RSA key.

use std::thread;

use num_bigint_dig::{BigUint, prime::probably_prime_miller_rabin};
use rsa::rand_core::RngCore;

use super::keys::Random;

/// How often a candidate is tested. FIPS 186-5 asks for five at most for random numbers of 1024 bits and more, as does Go.
const ROUNDS: usize = 5;
/// How many odd numbers are looked at before another random one is drawn.
const WINDOW: usize = 4096;
/// Candidates with a smaller factor are not tested.
const SIEVED: usize = 8192;

/// Two primes of so many bits, each of them the first after a random number. Both are looked for at the same time.
/// `None` where a random number has none near it.
pub(super) fn pair(random: &mut Random<'_>, bits: usize) -> Option<(BigUint, BigUint)> {
    let [first, second] = [start(random, bits), start(random, bits)];
    let (p, q) = thread::scope(|scope| {
        let p = scope.spawn(|| prime_from(&first, bits));
        let q = prime_from(&second, bits);
        (p.join().ok().flatten(), q)
    });
    p.zip(q)
}

/// A random odd number, big-endian, with its two highest bits set: the product of two such has all the bits it should.
fn start(random: &mut Random<'_>, bits: usize) -> Vec<u8> {
    let mut bytes = vec![0; bits / 8];
    random.fill_bytes(&mut bytes);
    if let (Some(first), true) = (bytes.first_mut(), bits >= 8) {
        *first |= 0xc0;
    }
    if let Some(last) = bytes.last_mut() {
        *last |= 1;
    }
    bytes
}

fn prime_from(start: &[u8], bits: usize) -> Option<BigUint> {
    let candidates = sieve(start);
    let start = BigUint::from_bytes_be(start);
    let mut candidates = candidates.into_iter().map(|distance| &start + distance);
    candidates
        .find(|candidate| probably_prime_miller_rabin(candidate, ROUNDS, true))
        .filter(|prime| prime.bits() == bits)
}

/// How far from an odd number those are, in a window above it, that small primes do not divide.
fn sieve(start: &[u8]) -> Vec<usize> {
    let mut is_composite = [false; WINDOW];
    for prime in small_primes() {
        let rest = start.iter().fold(0, |rest, byte| (rest << 8 | usize::from(*byte)) % prime);
        // The number at this place, twice as far from the start, is the first that the prime divides.
        let first = (prime - rest) * prime.div_ceil(2) % prime;
        is_composite.iter_mut().skip(first).step_by(prime).for_each(|number| *number = true);
    }
    let places = is_composite.iter().enumerate().filter(|(_, is_composite)| !**is_composite);
    places.map(|(place, _)| 2 * place).collect()
}

/// Odd primes.
fn small_primes() -> Vec<usize> {
    let mut is_composite = [false; SIEVED];
    let mut primes = Vec::new();
    for number in (3..SIEVED).step_by(2) {
        if !is_composite.get(number).copied().unwrap_or(true) {
            primes.push(number);
            is_composite.iter_mut().skip(number).step_by(number).for_each(|multiple| *multiple = true);
        }
    }
    primes
}

#[cfg(test)]
mod tests {
    use num_bigint_dig::prime::probably_prime;

    use super::*;
    use crate::template::Env;

    struct Counting(std::cell::Cell<u8>);

    impl Env for Counting {
        fn now(&self) -> i128 {
            0
        }

        fn random(&self, buffer: &mut [u8]) {
            for byte in buffer {
                self.0.set(self.0.get().wrapping_mul(5).wrapping_add(113));
                *byte = self.0.get();
            }
        }
    }

    #[test]
    fn primes_have_all_their_bits_and_repeat_with_the_randomness() {
        let draw = || pair(&mut Random(&Counting(7.into())), 512);
        let (p, q) = draw().expect("primes");
        assert!(probably_prime(&p, 20) && probably_prime(&q, 20));
        assert_eq!((p.bits(), q.bits(), (&p * &q).bits()), (512, 512, 1024));
        assert_eq!(draw(), Some((p, q)));
    }

    #[test]
    fn the_sieve_leaves_what_no_small_prime_divides() {
        let start = 1_000_000_000_000_001_u64;
        let divided = |number: u64| (3..SIEVED as u64).step_by(2).any(|divisor| number.is_multiple_of(divisor));
        let expected: Vec<usize> =
            (0..2 * WINDOW).step_by(2).filter(|distance| !divided(start + *distance as u64)).collect();
        assert_eq!(sieve(&start.to_be_bytes()), expected);
    }
}
