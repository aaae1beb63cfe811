"""optax' AdamW under jit on JAX's CPU backend as a contestant: optax_adamw.py. The parameters' and the state's buffers are donated.

Threads are set by the environment (NPROC, XLA_FLAGS), which XLA reads when it starts."""

import jax
import jax.numpy as jnp
import optax

from contestant import serve, values


class Prepared:
    def __init__(self, _variant, shapes):
        self.shapes = shapes
        self.params = [jnp.asarray(values(shape, 7)) for shape in shapes]
        optimizer = optax.adamw(1e-3, b1=0.9, b2=0.999, eps=1e-8, weight_decay=0.01)
        self.state = optimizer.init(self.params)
        self.grads = None

        def update(params, state, grads):
            updates, state = optimizer.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        self.update = jax.jit(update, donate_argnums=(0, 1))

    def refill(self, k):
        # A copy each, so that no two gradients share memory.
        self.grads = jax.block_until_ready([jnp.array(values(shape, k), copy=True) for shape in self.shapes])

    def step(self):
        self.params, self.state = self.update(self.params, self.state, self.grads)
        jax.block_until_ready((self.params, self.state))


serve(f"{optax.__version__}, jax {jax.__version__}", Prepared)
