"""Keras on TensorFlow, one call at a time: reads `B T D H layers cell train|infer|predict` lines, answers seconds.

It runs in an environment of its own and waits between calls, so that it takes turns with the others.
"""

import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tensorflow as tf

LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}


def work(B, T, D, H, layers, cell, kind):
    model = keras.Sequential([keras.Input((T, D), batch_size=B)])
    for _ in range(layers):
        model.add(LAYERS[cell](H, return_sequences=True))
    x, upstream = tf.random.normal((B, T, D)), tf.random.normal((B, T, H))

    @tf.function
    def train():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(model(x, training=True) * upstream)
        return tape.gradient(loss, [x, *model.trainable_variables])

    @tf.function
    def infer():
        return model(x, training=False)

    if kind == "predict":  # what generation loops call for every token
        numbers = x.numpy()
        return lambda: model.predict(numbers, verbose=0)
    run = train if kind == "train" else infer
    return lambda: tf.nest.map_structure(lambda a: a.numpy(), run())


def main():
    prepared = {}
    for line in sys.stdin:
        if line not in prepared:
            *sizes, cell, kind = line.split()
            prepared.clear()
            prepared[line] = work(*map(int, sizes), cell, kind)
            prepared[line]()  # traces
        began = time.perf_counter()
        prepared[line]()
        print(time.perf_counter() - began, flush=True)


main()
