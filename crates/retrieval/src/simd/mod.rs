//! Which vector instructions to use: a kernel is written once in plain Rust and compiled for each of them.
//! Additions keep their order, so that a vector does not depend on the machine that has FMA.

/// Whether the kernels for AVX-512 can run. The answer is cached by the standard library.
#[inline(always)]
pub(crate) fn widest() -> bool {
    #[cfg(test)]
    if WITHOUT_AVX512.get() {
        return false;
    }
    #[cfg(target_arch = "x86_64")]
    {
        wide()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

#[cfg(test)]
thread_local! {
    /// Has a test use the other kernels, to hold both against each other.
    pub(crate) static WITHOUT_AVX512: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether the kernels for AVX2 can run.
#[inline(always)]
pub(crate) fn wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// `a * b + c`, fused where the kernel is compiled for it (elsewhere that would be a library call).
#[inline(always)]
pub(crate) fn mul_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Defines a function whose body is compiled for AVX2 with FMA and for the base line, and picked at run time.
/// Inside, `FUSED` says which of both it is. For AVX-512 the compiler makes slower code of the same body; where it
/// pays, that kernel is written out, and named before the function.
macro_rules! vectorised {
    (avx512 = $widest:path; $(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            if $crate::simd::widest() {
                #[expect(unsafe_code, reason = "a function compiled for AVX-512 is called")]
                // SAFETY: `simd::widest` has found its features on this machine.
                return unsafe { $widest($($arg),*) };
            }
            vectorised! { fn narrower($($arg: $type),*) $(-> $ret)? $body }
            narrower($($arg),*)
        }
    };
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) $(-> $ret)? {
            #[inline(always)]
            fn generic<const FUSED: bool>($($arg: $type),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            if $crate::simd::wide() {
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $type),*) $(-> $ret)? {
                    generic::<true>($($arg),*)
                }
                #[expect(unsafe_code, reason = "a function compiled for AVX2 and FMA is called")]
                // SAFETY: `simd::wide` has found both features on this machine.
                return unsafe { wide($($arg),*) };
            }
            generic::<false>($($arg),*)
        }
    };
}
pub(crate) use vectorised;

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
pub(crate) mod int8;
pub(crate) mod panels;
pub(crate) mod signs;

vectorised! {
    /// The dot product of two vectors of the same length.
    pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
        const LANES: usize = 32;
        let mut sums = [0.0_f32; LANES];
        for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
            for lane in 0..LANES {
                sums[lane] = mul_add::<FUSED>(a[lane], b[lane], sums[lane]);
            }
        }
        let tail = a.as_chunks::<LANES>().1.iter().zip(b.as_chunks::<LANES>().1);
        sums.iter().sum::<f32>() + tail.map(|(a, b)| a * b).sum::<f32>()
    }
}

vectorised! {
    /// The largest of some numbers; NaN counts for nothing.
    pub(crate) fn largest(values: &[f32]) -> f32 {
        const LANES: usize = 32;
        let mut largest = [f32::NEG_INFINITY; LANES];
        for values in values.as_chunks::<LANES>().0 {
            for lane in 0..LANES {
                // Not `max`, which is more than an instruction because of NaN on either side.
                largest[lane] = if values[lane] > largest[lane] { values[lane] } else { largest[lane] };
            }
        }
        // Half against half, which is an instruction for many lanes; one lane after the other takes longer than all else.
        for half in [16, 8, 4, 2, 1] {
            for lane in 0..half {
                let other = largest[lane + half];
                largest[lane] = if other > largest[lane] { other } else { largest[lane] };
            }
        }
        values.as_chunks::<LANES>().1.iter().fold(largest[0], |a, &b| a.max(b))
    }
}

/// Has the processor fetch what will be read soon.
#[inline(always)]
pub(crate) fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(64 / size_of::<T>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[expect(unsafe_code, reason = "an address is told to the processor")]
        // SAFETY: this is a hint, which reads nothing.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast::<i8>());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}
