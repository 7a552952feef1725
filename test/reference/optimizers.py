"""Records what Keras's optimizers, schedules, regularizers and constraints do.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python optimizers.py
"""
import os

import keras
import numpy as np
from record import Recorder

keras.config.set_floatx("float64")
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Unit/Inputs/training")
rng = np.random.default_rng(7)
STEPS = 20


def slot(optimizer, name, i, variable):
    if name == "row":
        return optimizer._r[i].numpy()
    if name == "column":
        return optimizer._c[i].numpy()
    if name == "u_product":
        return optimizer._u_product.numpy()
    wanted = f"{variable.path.replace('/', '_')}_{name}"
    return [v.numpy() for v in optimizer.variables if v.name == wanted][0]


def optimizers():
    r = Recorder(os.path.join(here, "optimizers.txt"), "Variables after steps 1, 2, 3 and the last, then the slots: Keras on JAX, float64.")
    w = rng.normal(size=(2, 3))
    b = np.array([0.5, -1.5, 0.0])
    g = rng.normal(size=(STEPS, 2, 3)) * np.exp(rng.normal(size=(STEPS, 2, 3)))
    h = rng.normal(size=(STEPS, 3)) * 0.1
    g[4], h[:, 2] = 0.0, 0.0
    k, gk = rng.normal(size=(2, 3, 2)), rng.normal(size=(STEPS, 2, 3, 2))
    c, gc = np.array(0.7), rng.normal(size=STEPS)
    r.data(w=w, b=b, g=g, h=h, k=k, gk=gk, c=c, gc=gc)

    def case(text, slots, steps=5, matrix_slots=None, constraints=(None, None), exclude=None, arrays="w, b, g, h"):
        names = arrays.split(", ")
        values = [r.arrays[n] for n in names]
        space = {**vars(keras.optimizers), "keras": keras}
        optimizer = eval(text, space)
        variables = [keras.Variable(values[0], name="kernel"), keras.Variable(values[1], name="bias")]
        for v, c in zip(variables, constraints):
            v.constraint = eval(c, space) if c else None
        if exclude:
            optimizer.exclude_from_weight_decay(var_names=exclude)
        optimizer.build(variables)
        outputs = []
        for i in range(steps):
            optimizer.apply([values[2][i], values[3][i]])
            if i + 1 in (1, 2, 3, steps):
                outputs += [v.numpy() for v in variables]
        kinds = [matrix_slots or slots, slots]
        outputs += [slot(optimizer, n, i, v) for i, v in enumerate(variables) for n in kinds[i]]
        more = "" if constraints == (None, None) else f", constraints=[{constraints[0]}, {constraints[1]}]"
        more += f", exclude={exclude}" if exclude else ""
        r.case(arrays, f"train({text}, [{', '.join(names[:2])}], [{', '.join(names[2:])}], {steps}, {kinds}{more})", *outputs)

    adam = ["momentum", "velocity"]
    case("SGD(0.1)", [])
    case("SGD()", [])
    case("SGD(0.1, 0.9)", ["momentum"], STEPS)
    case("SGD(0.1, momentum=0.9, nesterov=True)", ["momentum"], STEPS)
    case("Adam()", adam, STEPS)
    case("Adam(0.05, beta_1=0.8, beta_2=0.95, epsilon=0.01)", adam, STEPS)
    case("Adam(0.05, amsgrad=True, epsilon=1e-3)", adam + ["velocity_hat"], STEPS)
    case("AdamW()", adam, STEPS)
    case("AdamW(0.05, weight_decay=0.3, amsgrad=True)", adam + ["velocity_hat"], STEPS)
    case("Adamax(0.05, epsilon=0.01)", ["momentum", "norm"], STEPS)
    case("Nadam(0.05, epsilon=0.01)", adam + ["u_product"], STEPS)
    case("Nadam()", adam + ["u_product"])
    case("Lamb(0.05, epsilon=0.01)", adam, STEPS)
    case("Lion(0.05)", ["momentum"], STEPS)
    case("Lion(0.05, beta_1=0.5, beta_2=0.7)", ["momentum"])
    case("RMSprop(0.05)", ["velocity"], STEPS)
    case("RMSprop(0.05, rho=0.7, epsilon=0.01)", ["velocity"])
    case("RMSprop(0.05, momentum=0.5)", ["velocity", "momentum"], STEPS)
    case("RMSprop(0.05, centered=True, epsilon=0.1)", ["velocity", "average_gradient"], STEPS)
    case("RMSprop(0.05, 0.8, 0.5, 0.1, True)", ["velocity", "momentum", "average_gradient"])
    case("Adagrad(0.05)", ["accumulator"], STEPS)
    case("Adagrad(0.05, initial_accumulator_value=0.7, epsilon=0.1)", ["accumulator"])
    case("Adadelta(0.5)", ["accumulated_grad", "accumulated_delta_var"], STEPS)
    case("Adadelta(1.0, rho=0.5, epsilon=0.1)", ["accumulated_grad", "accumulated_delta_var"])
    case("Adafactor(0.5)", ["velocity"], STEPS, ["row", "column"])
    case("Adafactor(0.01, beta_2_decay=-0.5, epsilon_1=0.1, epsilon_2=0.1, clip_threshold=0.3, relative_step=False)", ["velocity"], 5, ["row", "column"])
    case("Ftrl(0.05)", ["accumulator", "linear"], STEPS)
    case("Ftrl(0.05, learning_rate_power=-0.7, initial_accumulator_value=0.3, l1_regularization_strength=0.1, l2_regularization_strength=0.2, l2_shrinkage_regularization_strength=0.3, beta=0.4)", ["accumulator", "linear"], STEPS)
    # More and fewer axes.
    other = "k, c, gk, gc"
    case("Adafactor(0.5)", ["velocity"], 5, ["row", "column"], arrays=other)
    case("Lamb(0.05)", adam, arrays=other)
    case("Nadam(0.05, global_clipnorm=1.0)", adam + ["u_product"], arrays=other)
    case("Ftrl(0.05, l1_regularization_strength=0.1)", ["accumulator", "linear"], arrays=other)
    # What optimizers have in common.
    case("SGD(0.1, weight_decay=0.2)", [])
    case("SGD(0.1, weight_decay=0.2)", [], exclude=["bias"])
    case("Adam(0.1, weight_decay=0.2)", adam, exclude=["ern", "nothing"])
    case("SGD(0.1, clipvalue=0.3)", [])
    case("SGD(0.1, clipnorm=0.5)", [])
    case("SGD(0.1, global_clipnorm=0.5)", [])
    case("SGD(0.1, global_clipnorm=50.0)", [])
    case("Adam(0.1, clipnorm=0.5)", adam)
    case("SGD(0.1, loss_scale_factor=8.0)", [])
    case("SGD(0.1, use_ema=True, ema_momentum=0.8)", ["average"])
    case("Adam(0.1, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2)", ["average"] + adam, STEPS)
    case("SGD(0.1, gradient_accumulation_steps=2)", ["gradient_accumulator"])
    case("Adam(0.1, gradient_accumulation_steps=3, clipnorm=0.4, weight_decay=0.1)", ["gradient_accumulator"] + adam, STEPS)
    case("Adam(0.1, gradient_accumulation_steps=2, use_ema=True, ema_overwrite_frequency=2)", ["average", "gradient_accumulator"] + adam, 9)
    case("SGD(0.5)", [], constraints=("keras.constraints.MaxNorm(1.5)", "keras.constraints.NonNeg()"))
    case("SGD(0.5, use_ema=True, ema_overwrite_frequency=2)", ["average"], constraints=("keras.constraints.UnitNorm()", "None"))
    # Rates that change.
    case("SGD(keras.optimizers.schedules.PiecewiseConstantDecay([1, 3], [0.5, 0.25, 0.125]))", [], STEPS)
    case("Adam(keras.optimizers.schedules.InverseTimeDecay(0.5, 1, 1.0, staircase=True), gradient_accumulation_steps=2)", ["gradient_accumulator"] + adam)
    case("SGD(lambda: 0.25, momentum=0.5)", ["momentum"])
    r.write()


def schedules():
    r = Recorder(os.path.join(here, "schedules.txt"), "Keras's learning rate schedules, regularizers and constraints, float64.")
    steps = [0, 1, 2, 5, 9, 10, 11, 15, 25, 30, 70, 1000]
    r.data(s=np.array(steps), f=np.array(steps, "float64"), x=rng.normal(size=(3, 4)), k=rng.normal(size=(2, 3, 4)), one=np.array([[3.0], [4.0]]))
    for text in (
        "ExponentialDecay(0.1, 10, 0.9)",
        "ExponentialDecay(0.1, 10, 0.9, staircase=True)",
        "InverseTimeDecay(0.1, 10, 0.5)",
        "InverseTimeDecay(0.1, 10, 0.5, staircase=True)",
        "PolynomialDecay(0.1, 20)",
        "PolynomialDecay(0.1, 20, end_learning_rate=0.01, power=2.0)",
        "PolynomialDecay(0.1, 10, end_learning_rate=0.01, power=0.5, cycle=True)",
        "CosineDecay(0.1, 20)",
        "CosineDecay(0.1, 20, alpha=0.2)",
        "CosineDecay(0.01, 20, alpha=0.2, warmup_target=0.1, warmup_steps=10)",
        "CosineDecayRestarts(0.1, 10)",
        "CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.5, alpha=0.1)",
        "CosineDecayRestarts(0.1, 4, t_mul=1.5, m_mul=0.9, alpha=0.1)",
        "PiecewiseConstantDecay([9, 25], [0.1, 0.02, 0.005])",
        "PiecewiseConstantDecay([10], [0.1, 0.02])",
    ):
        schedule = eval(text, vars(keras.optimizers.schedules))
        values = [float(schedule(np.int64(s))) for s in steps]
        r.case("f", f"stack([keras.optimizers.schedules.{text}(f[i]) for i in range({len(steps)})])", np.array(values))
        r.case("s", f"stack([keras.optimizers.schedules.{text}(s[i]) for i in range({len(steps)})])", np.array(values, "float32"))
    for params, text in (
        ("x", "regularizers.L1(0.3)(x)"),
        ("x", "regularizers.L2(0.3)(x)"),
        ("x", "regularizers.L1L2(0.3, 0.2)(x)"),
        ("x", "regularizers.L1L2(0.3)(x)"),
        ("x", "regularizers.get('l1')(x)"),
        ("x", "regularizers.get('l2')(x)"),
        ("x", "regularizers.get('L1L2')(x)"),
        ("x", "regularizers.get({'class_name': 'L1L2', 'config': {'l1': 0.5, 'l2': 0.25}})(x)"),
        ("x", "regularizers.OrthogonalRegularizer(0.3)(x)"),
        ("x", "regularizers.OrthogonalRegularizer(0.3, mode='columns')(x)"),
        ("x", "constraints.NonNeg()(x)"),
        ("x", "constraints.MaxNorm(0.7)(x)"),
        ("k", "constraints.MaxNorm(0.7, axis=[0, 1])(k)"),
        ("x", "constraints.MaxNorm()(x)"),
        ("x", "constraints.UnitNorm(1)(x)"),
        ("one", "constraints.UnitNorm()(one)"),
        ("x", "constraints.MinMaxNorm(0.9, 1.1, 0.5)(x)"),
        ("k", "constraints.MinMaxNorm(0.9, 1.1, 0.5, axis=2)(k)"),
        ("x", "constraints.get('max_norm')(x)"),
        ("x", "constraints.get('min_max_norm')(x)"),
        ("x", "constraints.get('unit_norm')(x)"),
    ):
        r.case(params, "keras." + text, eval(text, vars(keras), {k: keras.ops.convert_to_tensor(v) for k, v in r.arrays.items()}))
    r.write()


if __name__ == "__main__":
    optimizers()
    schedules()
