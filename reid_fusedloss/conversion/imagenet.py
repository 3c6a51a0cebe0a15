"""What files of ImageNet weights have in common."""

CLASSIFIER = 'classifier of ImageNet'  # why it is left out
# of the channels R, G, B, for values from 0 to 255
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
