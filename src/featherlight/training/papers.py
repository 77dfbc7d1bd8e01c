"""Recipes by name: our own, and those with which the papers trained on ImageNet.

A paper's batch is what its machines held. Where it does not fit here `Recipe.at_batch` makes it smaller, and the
learning rate with it; `fl.train` does so where there are fewer images than that. Augmentation beyond crops and mirror
images (colours, PCA noise) is left out, and "sgd" is Nesterov's throughout.
"""

from __future__ import annotations

from dataclasses import replace

from featherlight.errors import unknown
from featherlight.spec.small_images import LARGEST
from featherlight.training.recipe import PHOTOGRAPHS, SMALL_IMAGES, Recipe

# From weights that know photographs already: a gentle rate, gentler still towards the image.
FINE_TUNE = Recipe(
    crop="resize",
    smallest_crop=0.5,
    optimiser="adamw",
    learning_rate=1e-3,
    weight_decay=0.01,
    layer_decay=0.9,
    warm_up=0.1,
    label_smoothing=0.1,
)

FINE_TUNE_SMALL = replace(FINE_TUNE, crop="pad", pad=4)

RECIPES = {
    "small-images": SMALL_IMAGES,
    "photographs": PHOTOGRAPHS,
    "fine-tune": FINE_TUNE,
    "fine-tune-small": FINE_TUNE_SMALL,
    # Krizhevsky et al. 2012, section 5: divided by ten three times in 90 epochs, whenever validation stood still.
    "alexnet": Recipe(
        batch=128,
        learning_rate=0.01,
        weight_decay=5e-4,
        dropout=0.5,
        warm_up=0.0,
        schedule="staircase",
        decay=0.1,
        decay_epochs=23,
        label_smoothing=0.0,
        crop="resize",
    ),
    # He et al. 2016, section 3.4: divided by ten whenever the error stood still; every 30 epochs became the custom.
    "resnet": Recipe(
        batch=256,
        learning_rate=0.1,
        weight_decay=1e-4,
        warm_up=0.0,
        schedule="staircase",
        decay=0.1,
        decay_epochs=30,
        label_smoothing=0.0,
        crop="resize",
        smallest_crop=0.08,
    ),
    # Iandola et al. 2016, section 3.3, and the solver published with it.
    "squeezenet": Recipe(
        batch=512,
        learning_rate=0.04,
        weight_decay=2e-4,
        dropout=0.5,
        warm_up=0.0,
        schedule="linear",
        label_smoothing=0.0,
        crop="resize",
    ),
    # Howard et al. 2017, section 3.2: RMSprop as Inception v3 has it (Szegedy et al. 2016, section 8), with less
    # augmentation and little weight decay.
    "mobilenet_v1": Recipe(
        batch=1600,
        optimiser="rmsprop",
        learning_rate=0.045,
        epsilon=1.0,
        weight_decay=4e-5,
        warm_up=0.0,
        schedule="staircase",
        decay=0.94,
        decay_epochs=2,
        label_smoothing=0.0,
        crop="resize",
        smallest_crop=0.25,
    ),
    # Sandler et al. 2018, section 6.1.
    "mobilenet_v2": Recipe(
        batch=96,
        optimiser="rmsprop",
        learning_rate=0.045,
        epsilon=1.0,
        weight_decay=4e-5,
        dropout=0.2,
        warm_up=0.0,
        schedule="staircase",
        decay=0.98,
        label_smoothing=0.0,
        crop="resize",
    ),
    # Howard et al. 2019, section 6.1.1; its dropout of 0.8 is the share that is kept.
    "mobilenet_v3": Recipe(
        batch=4096,
        optimiser="rmsprop",
        learning_rate=0.1,
        weight_decay=1e-5,
        dropout=0.2,
        warm_up=0.0,
        schedule="staircase",
        decay=0.99,
        decay_epochs=3,
        label_smoothing=0.1,
        ema=0.9999,
        crop="resize",
        smallest_crop=0.08,
    ),
    # Tan et al. 2019, section 5: five of 350 epochs to warm up.
    "mnasnet": Recipe(
        batch=4096,
        optimiser="rmsprop",
        learning_rate=0.256,
        weight_decay=1e-5,
        dropout=0.2,
        warm_up=5 / 350,
        schedule="staircase",
        decay=0.97,
        decay_epochs=2.4,
        label_smoothing=0.1,
        crop="resize",
        smallest_crop=0.08,
    ),
    # Zhang et al. 2018, section 4: a gentler scale augmentation than ResNeXt's, since small networks underfit.
    "shufflenet_v1": Recipe(
        batch=1024,
        learning_rate=0.5,
        weight_decay=4e-5,
        warm_up=0.0,
        schedule="linear",
        label_smoothing=0.0,
        crop="resize",
    ),
    # Ma et al. 2018, section 4: as ShuffleNet v1.
    "shufflenet_v2": Recipe(
        batch=1024,
        learning_rate=0.5,
        weight_decay=4e-5,
        warm_up=0.0,
        schedule="linear",
        label_smoothing=0.0,
        crop="resize",
    ),
}


def recipe_for(size: int, pretrained: bool = False) -> Recipe:
    """The recipe for inputs of `size` pixels, from weights that know images already or from scratch.

    Up to 64 pixels they are small images, which are moved about and not cut.
    """
    if pretrained:
        return FINE_TUNE_SMALL if size <= LARGEST else FINE_TUNE
    return SMALL_IMAGES if size <= LARGEST else PHOTOGRAPHS


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; BadInput with the nearest ones where there is none."""
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    return RECIPES[name]
